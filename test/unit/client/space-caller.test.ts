import { beforeEach, describe, expect, it } from 'vitest';
import {
  clientName,
  UnavailableError,
  UnknownOutcomeError,
  type ReplicaId,
} from '../../../src/base/index.js';
import { any, encodeEntryShares, normalizeTemplate } from '../../../src/codec/index.js';
import type { Entry, Result, SpaceOperation } from '../../../src/codec/index.js';
import { prepareSealing } from '../../../src/confidential/index.js';
import type { Answer } from '../../../src/client/answers.js';
import type { RawCaller } from '../../../src/client/raw-caller.js';
import type { Seals } from '../../../src/client/seals.js';
import { SpaceCaller } from '../../../src/client/space-caller.js';
import type { SpaceKeys } from '../../../src/client/space-keys.js';
import { createKeep, insert, lies, nextOrigin, repliesOf, sampleTuple } from '../../support/confidential.js';
import { sampleProtections as protect, type Insertion } from '../../support/confidential.js';

const keep = createKeep(4);
const space = 'vault';
const template = normalizeTemplate(sampleTuple.map(() => any));
const everybody = [0, 1, 2, 3];

let asked: string[];
/** What the service answers, call by call; the last for ever. */
let answers: (() => Answer)[];
beforeEach(() => {
  asked = [];
});

/** The entry, with the shares of these replicas. */
function answer(insertion: Insertion, replicas: readonly number[], inBulk = false): Answer {
  const { id, tuple, sealed } = insertion;
  const entry: Entry = { id, tuple, sealed, owner: clientName('alice'), deadline: null };
  const shares = new Map<ReplicaId, Uint8Array>();
  for (const [replica, share] of repliesOf(keep, insertion, replicas))
    shares.set(replica, encodeEntryShares([share]));
  const result: Result = inBulk ? { kind: 'entries', entries: [entry] } : { kind: 'entry', entry };
  return { result, shares };
}

function createCaller(
  repair: () => Answer = () => ({ result: { kind: 'repaired' } as Result }),
): SpaceCaller {
  const next = (kind: string): Promise<Answer> => {
    asked.push(kind);
    return Promise.resolve().then(() => (answers.length > 1 ? answers.shift()! : answers[0]!)());
  };
  const raw: Partial<RawCaller> = {
    call: ({ kind }) => (kind === 'repair' ? (asked.push(kind), Promise.resolve().then(repair)) : next(kind)),
    callBound: (name, bound) => {
      bound.encode({ session: nextOrigin().session, number: nextOrigin().number });
      return next(name);
    },
    wait: ({ kind }) => next(kind),
  };
  const dealing = () => prepareSealing(keep.cluster, keep.random);
  const loaded = { ...keep, inserter: nextOrigin().inserter };
  return new SpaceCaller({
    raw: raw as RawCaller,
    keys: { known: () => keep.tagger, of: () => Promise.resolve(keep.tagger) } as unknown as SpaceKeys,
    seals: {
      load: () => Promise.resolve({ ...loaded, dealings: () => Promise.resolve(dealing) }),
      note: () => undefined,
    } as unknown as Seals,
    timeoutMs: 1_000,
    clock: { nowMs: () => 0 } as SpaceCaller['clock'],
    clockSkewMaxMs: 500,
  });
}

const taking: readonly SpaceOperation[] = [
  { kind: 'inp', space, template },
  { kind: 'inAll', space, template, limit: 0 },
  { kind: 'replace', space, template, tuple: sampleTuple, lease: null },
];
const call = (caller: SpaceCaller, operation: SpaceOperation): Promise<Result> =>
  caller.call(operation, false, { protect });

describe('an answer with too few shares', () => {
  it('is asked for again when it is of a read', async () => {
    answers = [() => answer(insert(keep), [2]), () => answer(insert(keep), everybody)];
    const result = await call(createCaller(), { kind: 'rdp', space, template });
    expect(result).toMatchObject({ kind: 'entry', entry: { tuple: sampleTuple } });
    expect(asked).toEqual(['rdp', 'rdp']);
  });

  it('to a read is given up as not done', async () => {
    answers = [() => answer(insert(keep), [2])];
    const read = call(createCaller(), { kind: 'rdp', space, template });
    await expect(read).rejects.toMatchObject({ code: 'SHARES_MISSING' });
    await expect(read).rejects.toBeInstanceOf(UnavailableError);
    expect(asked).toEqual(['rdp', 'rdp', 'rdp']);
  });

  it.each(taking)('to $kind is never asked for again, and never said not to be done', async (operation) => {
    answers = [() => answer(insert(keep), [2], operation.kind === 'inAll')];
    const taken = call(createCaller(), operation);
    await expect(taken).rejects.toMatchObject({ code: 'SHARES_MISSING' });
    await expect(taken).rejects.toBeInstanceOf(UnknownOutcomeError);
    expect(asked).toEqual([operation.kind]);
  });
});

describe('an entry that is no good', () => {
  const bad = (): Insertion => lies[0]!.insert(keep);

  it('is repaired, and the reader looks again', async () => {
    answers = [() => answer(bad(), everybody), () => answer(insert(keep), everybody)];
    const result = await call(createCaller(), { kind: 'inp', space, template });
    expect(result).toMatchObject({ entry: { tuple: sampleTuple } });
    expect(asked).toEqual(['inp', 'repair', 'inp']);
  });

  it('is left out of what was taken in bulk', async () => {
    answers = [() => answer(bad(), everybody, true)];
    const result = await call(createCaller(), { kind: 'inAll', space, template, limit: 0 });
    expect(result).toEqual({ kind: 'entries', entries: [] });
    expect(asked).toEqual(['inAll', 'repair']);
  });

  it.each(taking)('whose repair fails does not undo that $kind took it', async (operation) => {
    answers = [() => answer(bad(), everybody, operation.kind === 'inAll')];
    const caller = createCaller(() => {
      throw new UnavailableError('SERVICE_UNAVAILABLE', 'nobody there.');
    });
    const taken = call(caller, operation);
    await expect(taken).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
    await expect(taken).rejects.toBeInstanceOf(UnknownOutcomeError);
    expect(asked).toEqual([operation.kind, 'repair']);
  });
});
