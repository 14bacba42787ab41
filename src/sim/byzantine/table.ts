/** All Byzantine behaviours by name. */
import type { BehaviourFactory } from './behaviour.js';
import { beyondWatermarks } from './beyond-watermarks.js';
import { censor } from './censor.js';
import { collude } from './collude.js';
import { conflictingVotes } from './conflicting-votes.js';
import { corruptBodies } from './corrupt-bodies.js';
import { corruptVotes } from './corrupt-votes.js';
import { equivocate } from './equivocate.js';
import { equivocateHalves } from './equivocate-halves.js';
import { equivocateLate } from './equivocate-late.js';
import { equivocateReplies } from './equivocate-replies.js';
import { falseCheckpoints } from './false-checkpoints.js';
import { falseNewView } from './false-new-view.js';
import { falsePages } from './false-pages.js';
import { falseState } from './false-state.js';
import { falseStatus } from './false-status.js';
import { falseViewChanges } from './false-view-changes.js';
import { flood } from './flood.js';
import { forgeCertificate } from './forge-certificate.js';
import { forgeEnvelopes } from './forge-envelopes.js';
import { forgetPrepared } from './forget-prepared.js';
import { frontRun } from './front-run.js';
import { frozenClock } from './frozen-clock.js';
import { garble } from './garble.js';
import { inventPrepared } from './invent-prepared.js';
import { lateVotes } from './late-votes.js';
import { lieToClients } from './lie-to-clients.js';
import { mutate } from './mutate.js';
import { reorder } from './reorder.js';
import { repeatEnvelopes } from './repeat-envelopes.js';
import { replayOld } from './replay-old.js';
import { selective } from './selective.js';
import { sequenceJumps } from './sequence-jumps.js';
import { silent } from './silent.js';
import { slow } from './slow.js';
import { slowPrimary } from './slow-primary.js';
import { staleCheckpoint } from './stale-checkpoint.js';
import { staleReads } from './stale-reads.js';
import { staleReplies } from './stale-replies.js';
import { viewChangeSpam } from './view-change-spam.js';
import { voteForAll } from './vote-for-all.js';
import { withholdVotes } from './withhold-votes.js';
import { wrongClock } from './wrong-clock.js';
import { wrongDigest } from './wrong-digest.js';
import { wrongTime } from './wrong-time.js';

export const behaviours: Readonly<Record<string, BehaviourFactory>> = {
  'beyond-watermarks': beyondWatermarks,
  censor,
  collude,
  'conflicting-votes': conflictingVotes,
  'corrupt-bodies': corruptBodies,
  'corrupt-votes': corruptVotes,
  equivocate,
  'equivocate-halves': equivocateHalves,
  'equivocate-late': equivocateLate,
  'equivocate-replies': equivocateReplies,
  'false-checkpoints': falseCheckpoints,
  'false-new-view': falseNewView,
  'false-pages': falsePages,
  'false-state': falseState,
  'false-status': falseStatus,
  'false-view-changes': falseViewChanges,
  flood,
  'forge-certificate': forgeCertificate,
  'forge-envelopes': forgeEnvelopes,
  'forget-prepared': forgetPrepared,
  'front-run': frontRun,
  'frozen-clock': frozenClock,
  garble,
  'invent-prepared': inventPrepared,
  'late-votes': lateVotes,
  'lie-to-clients': lieToClients,
  mutate,
  reorder,
  'repeat-envelopes': repeatEnvelopes,
  'replay-old': replayOld,
  selective,
  'sequence-jumps': sequenceJumps,
  silent,
  slow,
  'slow-primary': slowPrimary,
  'stale-checkpoint': staleCheckpoint,
  'stale-reads': staleReads,
  'stale-replies': staleReplies,
  'view-change-spam': viewChangeSpam,
  'vote-for-all': voteForAll,
  'withhold-votes': withholdVotes,
  'wrong-clock': wrongClock,
  'wrong-digest': wrongDigest,
  'wrong-time': wrongTime,
};
