/** Sends old messages again, its own and those of clients, to anyone, at any time. */
import type { PeerMessage } from '../../codec/index.js';
import type { BehaviourFactory, OutsideInput, Word } from './behaviour.js';
import { envelopeOf } from './held-envelopes.js';
import { ownBatch } from './retelling.js';

const remembered = 200;
const intervalMs = 100;

/** What clients said, alone or in a proposal. */
function envelopesOf(input: OutsideInput): readonly Uint8Array[] {
  if (input.kind === 'message' && input.message.kind === 'prePrepare')
    return ownBatch(input.message.batch)?.envelopes ?? [];
  const envelope = envelopeOf(input);
  return envelope === null ? [] : [envelope.bytes];
}

export const replayOld: BehaviourFactory = ({ random, peers }) => {
  const old: PeerMessage[] = [];
  let saidMs = 0;
  const keep = (message: PeerMessage): void => {
    if (old.length < remembered) old.push(message);
    else if (random.chance(1, 8)) old[random.below(remembered)] = message;
  };
  return {
    fromOutside: (input) => {
      for (const envelope of envelopesOf(input)) keep({ kind: 'forward', envelope });
      return [input];
    },
    toPeer: (_to, message) => {
      keep(message);
      return random.chance(1, 8) ? [message, random.pick(old)] : [message];
    },
    besides: (nowMs) => {
      if (old.length === 0 || nowMs - saidMs < intervalMs) return [];
      saidMs = nowMs;
      return peers.map((to): Word => ({ kind: 'send', to, message: random.pick(old) }));
    },
  };
};
