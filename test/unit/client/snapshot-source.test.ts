/** Fetching a state from replicas that stall, lie, go away or go on: it comes right, or not at all. */
import { describe, expect, it } from 'vitest';
import { replicaId, sequenceNumber, toHex, type ReplicaId } from '../../../src/base/index.js';
import type { SnapshotNodes } from '../../../src/codec/index.js';
import { SnapshotSource, StateGoneError } from '../../../src/client/snapshot-source.js';
import { sha256 } from '../../../src/crypto/index.js';
import type { StateToSave } from '../../../src/ordering/index.js';
import { SnapshotDonor } from '../../../src/replica/snapshot-donor.js';
import { keyedCluster, signedState } from '../../support/snapshots.js';

const keyed = keyedCluster();
const many = Object.fromEntries(Array.from({ length: 700 }, (_, i) => [i * 3, Uint8Array.of(i % 251, 1)]));
const large = { 5: new Uint8Array(1_500_000).fill(7) };
const older = signedState(keyed, 128, [{ 0: Uint8Array.of(1) }, many]);
const state = signedState(keyed, 256, [{ 0: Uint8Array.of(1), ...large }, many]);
const newer = signedState(keyed, 384, [{ 0: Uint8Array.of(2) }, many]);

/** What a replica makes of an answer; null: it keeps it back. */
type Conduct = (answer: SnapshotNodes) => SnapshotNodes | null;
const honest: Conduct = (answer) => answer;

interface World {
  readonly source: SnapshotSource;
  /** How often each was asked for pages. */
  readonly asked: Map<number, number>;
  readonly conducts: Conduct[];
  readonly states: StateToSave[];
  readonly down: Set<ReplicaId>;
}

function world(conducts: Conduct[] = []): World {
  const states = [state, state, state, state];
  const asked = new Map<number, number>();
  const down = new Set<ReplicaId>();
  // Passes as it is looked at.
  let nowMs = 0;
  const donors = states.map(
    (_, id) =>
      new SnapshotDonor({
        hash: sha256,
        nowMs: () => (nowMs += 20),
        executed: () => 0,
        stableState: () => states[id]!,
        later: (task) => void setImmediate(task),
      }),
  );
  const ids = [0, 1, 2, 3].map((id) => replicaId(id));
  const source = new SnapshotSource({
    cluster: keyed.cluster,
    timeoutMs: 300,
    stallMs: 50,
    network: {
      up: () => ids.filter((id) => !down.has(id)),
      send: (to, message) => {
        if (message.kind !== 'fetchSnapshot' || down.has(to)) return;
        if (message.nodes[0]!.level === 'page') asked.set(to, (asked.get(to) ?? 0) + 1);
        const send = (answer: SnapshotNodes): void => {
          const said = (conducts[to] ?? honest)(answer);
          if (said !== null) setImmediate(() => source.take(to, said));
        };
        donors[to]!.take(message, send);
      },
    },
  });
  return { source, asked, conducts, states, down };
}

type Fetched = [Record<number, string>, Record<number, string>];

async function fetchAll({ source }: World, of: StateToSave): Promise<Fetched> {
  const fetched: Fetched = [{}, {}];
  for await (const { section, number, bytes } of source.pages(of.certificate))
    fetched[section][number] = sha256(bytes);
  return fetched;
}

const digestsOf = (pages: ReadonlyMap<number, Uint8Array>): Record<number, string> =>
  Object.fromEntries([...pages].map(([number, bytes]) => [number, sha256(bytes)]));
const expected = ({ ordering, application }: StateToSave): Fetched => [
  digestsOf(ordering.pages),
  digestsOf(application.pages),
];

const alterData =
  (level: string, change: (data: Uint8Array) => Uint8Array): Conduct =>
  (answer) => ({
    ...answer,
    parts: answer.parts.map((part) => (part.level === level ? { ...part, data: change(part.data) } : part)),
  });
const flip = (data: Uint8Array): Uint8Array =>
  Uint8Array.from(data, (byte, i) => (i === 0 ? byte ^ 1 : byte));

const lies: readonly (readonly [string, Conduct])[] = [
  ...['roots', 'groups', 'pages', 'page'].map(
    (level) => [`a wrong ${level}`, alterData(level, flip)] as const,
  ),
  [
    'another node',
    (answer) => ({ ...answer, parts: answer.parts.map((part) => ({ ...part, number: part.number + 1 })) }),
  ],
  [
    'another place',
    (answer) => ({ ...answer, parts: answer.parts.map((part) => ({ ...part, offset: part.offset + 1 })) }),
  ],
  [
    'an absurd size',
    (answer) => ({ ...answer, parts: answer.parts.map((part) => ({ ...part, totalBytes: 2 ** 40 })) }),
  ],
  [
    'a byte at a time',
    (answer) => ({
      ...answer,
      parts: answer.parts.map((part) => ({ ...part, data: part.data.subarray(0, 1) })),
    }),
  ],
];

describe('a state comes page by page', () => {
  it('from honest replicas', async () => {
    const at = world();
    expect(await at.source.newest()).toEqual(state.certificate);
    expect(await fetchAll(at, state)).toEqual(expected(state));
    expect([...at.source.liars]).toEqual([]);
  });

  it.each(lies)('although a replica tells %s, or three do', async (_, lie) => {
    for (const count of [1, 3]) {
      const at = world(Array.from({ length: count }, () => lie));
      expect(await fetchAll(at, state)).toEqual(expected(state));
      expect([...at.source.liars].every((liar) => liar < count)).toBe(true);
    }
  });

  it('although some never answer, and one falls silent half-way', async () => {
    const silent: Conduct = () => null;
    let left = 5;
    const at = world([silent, (answer) => (left-- > 0 ? answer : null), honest, silent]);
    expect(await fetchAll(at, state)).toEqual(expected(state));
    expect([...at.source.liars]).toEqual([]);
  });

  it('although a replica goes away half-way', async () => {
    let count = 0;
    const at = world();
    at.conducts[0] = (answer) => {
      if (++count !== 4) return answer;
      at.down.add(replicaId(0));
      at.source.changed();
      return null;
    };
    expect(await fetchAll(at, state)).toEqual(expected(state));
  });

  it('also when the replicas have gone on meanwhile, since they hold what is fetched', async () => {
    const at = world();
    const fetched: Fetched = [{}, {}];
    for await (const { section, number, bytes } of at.source.pages(state.certificate)) {
      fetched[section][number] = sha256(bytes);
      at.states.fill(newer);
    }
    expect(fetched).toEqual(expected(state));
    expect(await at.source.newest()).toEqual(newer.certificate);
  });
});

describe('no state comes', () => {
  it('if all have gone on before it was fetched', async () => {
    const at = world();
    at.states.fill(newer);
    await expect(fetchAll(at, state)).rejects.toThrow(StateGoneError);
    await expect(fetchAll(at, older)).rejects.toThrow(StateGoneError);
  });

  const interrupted = { name: 'UnavailableError', code: 'SNAPSHOT_INTERRUPTED' };

  it('if nobody answers, with an error that says so', async () => {
    const silent: Conduct = () => null;
    const at = world([silent, silent, silent, silent]);
    await expect(fetchAll(at, state)).rejects.toMatchObject(interrupted);
    expect([...at.source.liars]).toEqual([]);
  });

  it.each(lies)('if all tell %s, and all are found out', async (_, lie) => {
    const at = world([lie, lie, lie, lie]);
    await expect(fetchAll(at, state)).rejects.toMatchObject(interrupted);
    expect([...at.source.liars].sort()).toEqual([0, 1, 2, 3]);
  });
});

describe('the newest certificate', () => {
  it('is the newest that a quorum has signed, whatever else is shown', async () => {
    const forged = { ...newer.certificate, sequenceNumber: sequenceNumber(10_000) };
    const at = world([(answer) => ({ ...answer, certificate: forged })]);
    at.states[1] = older;
    expect(await at.source.newest()).toEqual(state.certificate);
    expect([...at.source.liars]).toEqual([0]);
  });

  it('is none if nobody has more than the genesis', async () => {
    const at = world();
    at.states.fill(signedState(keyed, 0, [{}, {}], []));
    expect(await at.source.newest()).toBeNull();
    expect([...at.source.liars]).toEqual([]);
  });

  it('leads to the first page of the ordering layer', async () => {
    const at = world([alterData('page', flip)]);
    expect(toHex((await at.source.header(state.certificate))!)).toBe('01');
  });
});
