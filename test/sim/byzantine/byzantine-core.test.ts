/** A replica with behaviours around it, without any simulated world. */
import { describe, expect, it } from 'vitest';
import { clientId, digest, prng, replicaId, sequenceNumber, viewNumber } from '../../../src/base/index.js';
import type { ReplicaId } from '../../../src/base/index.js';
import type { PeerMessage } from '../../../src/codec/index.js';
import { defaultOrderingConfig } from '../../../src/ordering/index.js';
import type { Input, Output, ReplicaStatus } from '../../../src/ordering/index.js';
import type { Behaviour, ClientOutput } from '../../../src/sim/byzantine/behaviour.js';
import { ByzantineCore } from '../../../src/sim/byzantine/byzantine-core.js';
import { createByzantineCore } from '../../../src/sim/byzantine/create.js';
import { HeldWords } from '../../../src/sim/byzantine/held-words.js';
import { behaviours } from '../../../src/sim/byzantine/table.js';
import { openEnvelope } from '../../support/lockstep.js';
import { batchOf, prePrepare } from '../../support/messages.js';

const peers = [1, 2, 3].map(replicaId);
const vote = (number: number): PeerMessage => ({
  kind: 'prepare',
  view: viewNumber(0),
  sequenceNumber: sequenceNumber(number),
  digest: digest('00'.repeat(32)),
});
const answer: ClientOutput = { kind: 'readReply', client: clientId('aa'), readId: 1, result: null };

/** Notes what it hears and says the same each time. */
class Inside {
  readonly heard: Input[] = [];
  says: readonly Output[] = [];

  step(input: Input): readonly Output[] {
    this.heard.push(input);
    return this.says;
  }
}

function byzantine(...behaviours: readonly Behaviour[]): { inside: Inside; core: ByzantineCore } {
  const inside = new Inside();
  return { inside, core: new ByzantineCore(inside, peers, behaviours) };
}

/** With the behaviour of that name, as replica 0 of four. */
function seated(name: string): { inside: Inside; core: ByzantineCore } {
  const inside = new Inside();
  const start = sequenceNumber(0);
  const status: ReplicaStatus = {
    ...{ view: viewNumber(0), primary: replicaId(0), isActive: true, isObserver: false },
    ...{ executed: start, stableCheckpoint: start, orderedTime: 0, pending: 0, sizes: {} },
  };
  const core = createByzantineCore({
    ...{ replica: replicaId(0), names: [name], faulty: [replicaId(0)], random: prng(1) },
    inside: { step: (input) => inside.step(input), status: () => status, stableState: () => null },
    config: { ...defaultOrderingConfig, n: 4 },
    hash: () => digest('00'.repeat(32)),
    sign: () => new Uint8Array(64),
  });
  return { inside, core };
}

const tick = (nowMs: number): Input => ({ kind: 'tick', nowMs });
const sentTo = (outputs: readonly Output[]): readonly (readonly [ReplicaId, number])[] =>
  outputs.flatMap((output) =>
    output.kind === 'send' && output.message.kind === 'prepare'
      ? [[output.to, output.message.sequenceNumber] as const]
      : [],
  );

/** Says each number in place of itself and the next. */
const twice: Behaviour = {
  toPeer: (_to, message) =>
    message.kind === 'prepare' ? [message, vote(message.sequenceNumber + 1)] : [message],
};

describe('a Byzantine core', () => {
  it('is the replica itself without behaviours, but for broadcasts that go to each peer', () => {
    const { inside, core } = byzantine();
    const halt: Output = { kind: 'halt', reason: 'STATE_DIVERGED' };
    inside.says = [{ kind: 'broadcast', message: vote(1) }, answer, halt];
    const outputs = core.step(tick(5));
    expect(sentTo(outputs)).toEqual(peers.map((peer) => [peer, 1]));
    expect(outputs.slice(3)).toEqual([answer, halt]);
    expect(inside.heard).toEqual([tick(5)]);
  });

  it('passes what leaves through its behaviours in order, and what one says besides through those after it', () => {
    const besides: Behaviour = {
      besides: () => [{ kind: 'send', to: replicaId(1), message: vote(10) }, answer],
    };
    const mute: Behaviour = { toClients: () => [] };
    const { inside, core } = byzantine(twice, besides, twice, mute);
    inside.says = [{ kind: 'send', to: replicaId(2), message: vote(1) }, answer];
    const outputs = core.step(tick(1));
    expect(sentTo(outputs).map(([, number]) => number)).toEqual([1, 2, 2, 3, 10, 11]);
    expect(outputs.some(({ kind }) => kind === 'readReply')).toBe(false);
  });

  it('lets behaviours drop and repeat what comes from outside, but not what its own disk and threads report', () => {
    const deaf: Behaviour = { fromOutside: () => [] };
    const { inside, core } = byzantine(deaf);
    const own: readonly Input[] = [
      { kind: 'stored', recordNumber: 1 },
      { kind: 'stateSaved', sequenceNumber: sequenceNumber(8) },
      { kind: 'verified', check: digest('00'.repeat(32)), isValid: true },
      { kind: 'streamClosed', stream: 1 },
    ];
    for (const input of [tick(1), { kind: 'message', from: replicaId(1), message: vote(1) } as const, ...own])
      core.step(input);
    expect(inside.heard).toEqual(own);
  });

  it('never turns the clock of the replica inside back', () => {
    let offset = 0;
    const erring: Behaviour = {
      fromOutside: (input) => [input.kind === 'tick' ? { ...input, nowMs: input.nowMs + offset } : input],
    };
    const { inside, core } = byzantine(erring);
    core.step(tick(100));
    offset = -50;
    core.step(tick(120));
    core.step(tick(200));
    expect(inside.heard).toEqual([tick(100), tick(100), tick(150)]);
  });

  it('spoils the frames of a link', () => {
    const cut: Behaviour = { toWire: (_to, bytes) => [bytes.subarray(1), bytes] };
    const { core } = byzantine(cut, twice, cut);
    const frames = core.frames(replicaId(1), Uint8Array.of(1, 2, 3));
    expect(frames.map((frame) => [...frame])).toEqual([[3], [2, 3], [2, 3], [1, 2, 3]]);
  });
});

it.each(Object.keys(behaviours))('%s stands whatever another behaviour has made of a message', (name) => {
  for (const number of [0, 1, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
    const at = sequenceNumber(number);
    const about = { view: viewNumber(number), sequenceNumber: at };
    const standing = { isActive: true, isObserver: false, lastExecuted: at, stableCheckpoint: at };
    const messages: readonly PeerMessage[] = [
      vote(number),
      { kind: 'prePrepare', ...about, batch: Uint8Array.of(1) },
      { kind: 'commit', ...about, digest: digest('00'.repeat(32)) },
      { kind: 'status', view: about.view, ...standing, findsPrimarySlow: false },
    ];
    const { inside, core } = seated(name);
    inside.says = messages.map((message) => ({ kind: 'broadcast', message }));
    for (let time = 1; time <= 20; time++) expect(() => core.step(tick(time))).not.toThrow();
  }
});

it('late-votes keeps votes for large batches as long as others wait for them, and no other', () => {
  const { inside, core } = seated('late-votes');
  const propose = (number: number, count: number): Input => {
    const envelopes = Array.from({ length: count }, (_, index) =>
      openEnvelope(clientId(index.toString(16).padStart(64, '0'))),
    );
    const message = prePrepare(0, number, batchOf(100, ...envelopes));
    return { kind: 'message', from: replicaId(1), message };
  };
  core.step(tick(100));
  core.step(propose(1, 31));
  core.step(propose(2, 32));
  inside.says = [1, 2].map((number) => ({ kind: 'broadcast', message: vote(number) }));
  expect(sentTo(core.step(tick(101)))).toEqual(peers.map((peer) => [peer, 1]));
  inside.says = [];
  expect(sentTo(core.step(tick(104)))).toEqual([]);
  expect(sentTo(core.step(tick(105)))).toEqual(peers.map((peer) => [peer, 2]));
});

describe('held words', () => {
  it('go in order once they are due, and beyond a number of them not at all', () => {
    const held = new HeldWords();
    expect(held.hold(answer, 10)).toBe(true);
    held.hold({ ...answer, readId: 2 }, 5);
    expect(held.release(9)).toEqual([]);
    expect(held.release(10)).toEqual([answer, { ...answer, readId: 2 }]);
    let count = 0;
    while (held.hold(answer, 10)) count++;
    expect(count).toBe(8_192);
    expect(held.release(10)).toHaveLength(8_192);
  });
});
