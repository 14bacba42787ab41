/** Bugs in what clients are told, and what they believe. */
import { sequenceNumber } from '../../base/index.js';
import { credulousClient } from '../canaries/telling.js';
import { earlyAnswer } from '../canaries/early-answer.js';
import { staleRead } from '../canaries/stale-read.js';
import { gullibleClient } from '../defences/removals.js';
import type { Tampering } from '../world-options.js';
import { around, bug, tamperingOf, type ProtocolBug } from './bug.js';

/** A read waits for nothing that is prepared. */
const hastyReads = around((core) => ({
  start: () => {
    const { reads } = core;
    const push = reads.push.bind(reads);
    reads.push = (...all: object[]) => push(...all.map((read) => ({ ...read, waitFor: sequenceNumber(0) })));
  },
}));

/** What was prepared before a restart is forgotten. */
const forgottenPrepared = around((core) => ({
  before: (input) => {
    if (input.kind === 'read') core.log.highestPrepared = core.log.lastExecuted;
    return input;
  },
}));

/** Who has forgotten what it prepared answers reads. */
const readingObservers = around((core) => {
  let observing: typeof core.observing = null;
  return {
    before: (input) => {
      observing = core.observing;
      if (input.kind === 'read') core.observing = null;
      return input;
    },
    after: (input) => {
      if (input.kind === 'read' && observing !== null) core.observing = observing;
    },
  };
});

/** Everybody's word for the price of f+1: a fast read needs no quorum. */
const smallReads: Tampering = {
  client: (core) => {
    const step = core.step.bind(core);
    core.step = (input) => {
      const outputs = step(input);
      if (input.kind !== 'message' || input.message.kind !== 'readReply') return outputs;
      const next = ((input.from + 1) % 4) as typeof input.from;
      return [...outputs, ...step({ ...input, from: next })];
    };
  },
};

export const clientBugs: readonly ProtocolBug[] = [
  bug('gullible-client', "a client takes each replica's word for that of all", () => gullibleClient),
  bug(
    'credulous-subscriber',
    'a client believes an event that one replica tells',
    tamperingOf(credulousClient),
  ),
  bug('small-reads', 'a fast read takes fewer equal answers than a quorum', () => smallReads),
  bug('hasty-reads', 'fast reads do not wait for what is prepared', () => hastyReads),
  bug('forgotten-prepared', 'what is prepared is not noted for fast reads', () => forgottenPrepared),
  bug('reading-observers', 'observers answer fast reads', () => readingObservers),
  bug('stale-read', 'fast reads are answered from an older state', tamperingOf(staleRead)),
  bug('early-answer', 'inp is answered before it is ordered', tamperingOf(earlyAnswer)),
];
