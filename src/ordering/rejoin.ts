/**
 * Amnesia (DESIGN section 2). A replica without its complete vote log follows and executes but does not
 * vote: it has a REJOIN ordered, and with r its sequence number it votes again only from a stable
 * checkpoint at or above r + 256. Every vote it may have forgotten lies at or below r + 256, since no
 * correct replica's low watermark was above r before r was executed. Meanwhile the primary fills the gap with
 * empty batches.
 */
import { equalBytes, sequenceNumber, type SequenceNumber } from '../base/index.js';
import {
  encodeEnvelopeBody,
  sealEnvelope,
  type Envelope,
  type IncarnationRecord,
  type ViewChange,
} from '../codec/index.js';
import { broadcast, event, persist, type Core, type Rejoining } from './core.js';
import { lowWatermark } from './log.js';
import { faultsTolerated } from './quorum.js';

const retryMs = 200;
/** How long observers wait without progress before they conclude that too many logs are lost. */
const lostMs = 15_000;

/** Up to this number empty batches carry a REJOIN past its window. */
export function fillTarget(core: Core): SequenceNumber {
  const { checkpointInterval, watermarkWindow } = core.config;
  let target = 0;
  for (const record of core.incarnations.values()) {
    const end =
      Math.ceil((record.sequenceNumber + watermarkWindow) / checkpointInterval) * checkpointInterval;
    if (end > target) target = end;
  }
  return sequenceNumber(target);
}

export const incarnationOf = (core: Core): number => core.incarnations.get(core.config.id)?.incarnation ?? 0;

/**
 * The last ordered REJOIN of this replica, if this very life sent it. One of an earlier life may be ordered
 * late, and that life may have voted since; with a clock that was set back even its start may be equal.
 */
function ownRecord(core: Core, { nonce }: Rejoining): IncarnationRecord | null {
  const record = core.incarnations.get(core.config.id);
  return record !== undefined && equalBytes(record.nonce, nonce) ? record : null;
}

function rejoinEnvelope(core: Core, { startedAt, nonce }: Rejoining): Envelope {
  const body = { kind: 'rejoin', replica: core.config.id, startedAt, nonce } as const;
  const signedBytes = encodeEnvelopeBody(body);
  return sealEnvelope(body, signedBytes, core.authenticator.sign('rejoin', signedBytes));
}

/** Whether a VIEW-CHANGE is of an incarnation that has forgotten votes since: it may not speak for them. */
export const isVoid = (core: Core, { replica, incarnation }: ViewChange): boolean =>
  incarnation < (core.incarnations.get(replica)?.incarnation ?? 0);

export function dropVoidViewChanges(core: Core): void {
  for (const [replica, viewChange] of core.viewChanges)
    if (isVoid(core, viewChange)) core.viewChanges.delete(replica);
}

/** Asks all replicas to have this one's REJOIN ordered, until it is. */
export function tickRejoin(core: Core): void {
  const observing = core.observing;
  if (observing?.kind !== 'rejoining' || ownRecord(core, observing) !== null) return;
  const record = core.incarnations.get(core.config.id);
  // A clock that was set back must not keep the replica out: only a later start than the last one counts.
  if (record !== undefined && record.startedAt >= observing.startedAt)
    observing.startedAt = record.startedAt + 1;
  if (core.nowMs - observing.lastAskedMs < retryMs) return;
  observing.lastAskedMs = core.nowMs;
  broadcast(core, { kind: 'forward', envelope: rejoinEnvelope(core, observing).bytes });
}

/** Votes again once the REJOIN's window has passed; true at that moment. */
export function tryVoteAgain(core: Core): boolean {
  const observing = core.observing;
  if (observing?.kind !== 'rejoining') return false;
  const record = ownRecord(core, observing);
  if (record === null) return false;
  if (lowWatermark(core.log) < record.sequenceNumber + core.config.watermarkWindow) return false;
  core.observing = null;
  core.noProposalsUpTo = core.view;
  persist(core, { kind: 'voting' });
  event(core, 'rejoined', { incarnation: record.incarnation, sequenceNumber: record.sequenceNumber });
  return true;
}

/** With more than f logs lost nobody may vote for the lost state again: say so and stop. */
export function checkLostLogs(core: Core): void {
  const observing = core.observing;
  if (observing?.kind !== 'rejoining') return;
  if (observing.lastProgressMs === 0) observing.lastProgressMs = core.nowMs;
  const observers = observing.otherObservers.size + 1;
  if (observers <= faultsTolerated(core.config.n) || core.nowMs - observing.lastProgressMs < lostMs) return;
  core.outputs.push({ kind: 'halt', reason: 'TOO_MANY_REPLICAS_LOST_THEIR_LOG' });
  core.isHalted = true;
}
