/** Bugs in what outlives a message, a checkpoint, a process: replies, sessions, states, vote logs. */
import { lostReplyCache } from '../canaries/lost-reply-cache.js';
import { damagedRecord, earlyTruncation, skippedSync, syncAfterSend } from '../canaries/storage.js';
import { altered } from '../canaries/altered.js';
import {
  configured,
  oneCheckpointIsEnough,
  oneDonor,
  withoutPageDigests,
  withoutReplyCache,
  withoutSignatures,
} from '../defences/removals.js';
import type { Tampering } from '../world-options.js';
import { around, bug, tamperingOf, type ProtocolBug } from './bug.js';

/** Without its vote log a replica votes as if it had never voted before. */
const amnesia = around((core) => ({
  start: () => {
    core.observing = null;
  },
}));

/** It votes again as soon as its REJOIN is executed, below the window in which it may have voted. */
const hastyRejoin = around((core) => ({
  after: () => {
    if (core.observing?.kind === 'rejoining' && core.incarnations.has(core.config.id)) core.observing = null;
  },
}));

const withoutIncarnations = around(() => ({
  before: (input) =>
    input.kind === 'message' && input.message.kind === 'viewChange'
      ? { ...input, message: { ...input.message, incarnation: 1_000_000 } }
      : input,
}));

const proposingAgain = around((core) => ({
  before: (input) => {
    core.noProposalsUpTo = -1 as typeof core.noProposalsUpTo;
    return input;
  },
}));

/** What came with a state of others is used without the outcomes that others remember. */
function withoutRestoredReplies(): Tampering {
  const restored = new Set<number>();
  return {
    stateMachine: (machine, replica) =>
      altered(machine, {
        restore: (pages) => {
          machine.restore(pages);
          restored.add(replica);
        },
      }),
    ...around((core) => ({
      after: () => {
        if (!restored.delete(core.config.id)) return;
        for (const session of core.sessions.used.values()) session.outcomes.clear();
      },
    })),
  };
}

/** Numbers that a client has done with count as new again. */
const reusedNumbers = around((core) => ({
  after: () => {
    for (const session of core.sessions.used.values()) session.lowestUnanswered = 1;
  },
}));

/** What is executed is thrown away, though peers may lack it and a view change may need it. */
const droppedBodies = around((core) => ({
  after: () => {
    const { log } = core;
    for (const [digest, { until }] of log.bodies) if (until <= log.lastExecuted) log.bodies.delete(digest);
  },
}));

/** A transfer that has begun is never aimed at anything newer, though nobody may hold its state any more. */
const deadEnd = around((core) => ({
  before: (input) =>
    core.transfer !== null &&
    core.transfer.fetching !== null &&
    input.kind === 'message' &&
    ['checkpoint', 'stableCheckpoint', 'stateGone'].includes(input.message.kind)
      ? { kind: 'tick', nowMs: core.nowMs }
      : input,
}));

export const memoryBugs: readonly ProtocolBug[] = [
  bug('no-reply-cache', 'what was executed is forgotten at once', () => withoutReplyCache),
  bug('lost-reply-cache', 'the reply cache does not survive a checkpoint', tamperingOf(lostReplyCache)),
  bug('untold-replies', 'a state of others is taken over without its reply cache', withoutRestoredReplies),
  bug('reused-numbers', 'numbers that a client has done with count as new', () => reusedNumbers),
  bug('short-sessions', 'sessions end after a tenth of their lease', () =>
    configured({ sessionLeaseMs: 3_000 }),
  ),
  bug('one-checkpoint', 'the CHECKPOINT of one replica is a certificate', () => oneCheckpointIsEnough),
  bug('unsigned-checkpoints', 'the signatures under a checkpoint are not looked at', () =>
    withoutSignatures('checkpoint'),
  ),
  bug('no-page-digests', 'pages of a state are believed as they come', () => withoutPageDigests),
  bug('one-donor', 'a state is fetched from replica 0 alone', () => oneDonor),
  bug('dead-end', 'a state transfer never turns to a newer state', () => deadEnd),
  bug('dropped-bodies', 'bodies are dropped once they are executed', () => droppedBodies),
  bug('amnesia', 'a replica without its vote log votes', () => amnesia),
  bug('hasty-rejoin', 'a replica votes again as soon as its REJOIN is executed', () => hastyRejoin),
  bug('old-incarnations', 'VIEW-CHANGEs of lives that were forgotten count', () => withoutIncarnations),
  bug('proposes-again', 'a restarted primary proposes in the view that it led', () => proposingAgain),
  bug('skipped-sync', 'records are told as durable and never synced', tamperingOf(skippedSync)),
  bug('sync-after-send', 'votes leave before they are durable', tamperingOf(syncAfterSend)),
  bug('early-truncation', 'the vote log forgets what no saved state covers', tamperingOf(earlyTruncation)),
  bug('damaged-record', 'a record that is not what was written is believed', tamperingOf(damagedRecord)),
];
