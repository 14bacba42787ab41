import { describe, expect, it } from 'vitest';
import { clientId, clientName } from '../../../src/base/index.js';
import { encodeResult, decodeOperation, type Operation, type Result } from '../../../src/codec/index.js';
import { any, Client, double, Double, formal } from '../../../src/client/index.js';
import type { CallOutcome, ClientParts, ClusterDescription, Space } from '../../../src/client/index.js';

const alice = clientId('a'.repeat(64));

interface Made {
  readonly operation: Operation;
  readonly isFastRead: boolean;
  readonly timeoutMs: number;
}

/** A client whose driver answers every call with `outcome`, or leaves it open until cancelled. */
class FakeDriver {
  readonly made: Made[] = [];
  outcome: CallOutcome | null = null;
  cancelOutcome: CallOutcome = { kind: 'unknown' };
  #ends: (() => void)[] = [];
  readonly client: Client;

  constructor(settings: ClusterDescription['settings'] = {}) {
    const driver: ClientParts['driver'] = {
      call: (operation, { isFastRead = false }, timeoutMs) => {
        this.made.push({ operation: decodeOperation(operation as Uint8Array)!, isFastRead, timeoutMs });
        let end: (outcome: CallOutcome) => void = () => undefined;
        const outcome = new Promise<CallOutcome>((resolve) => (end = resolve));
        if (this.outcome !== null) end(this.outcome);
        const cancel = (): void => end(this.cancelOutcome);
        this.#ends.push(cancel);
        return { outcome, request: () => null, cancel };
      },
      follow: () => ({ consumed: () => undefined, unfollow: () => undefined }),
      distrust: () => undefined,
      close: () => {
        this.#ends.forEach((end) => end());
        return Promise.resolve();
      },
    };
    const problems = [{ id: 2, address: 'host:1', reason: 'connection refused' }];
    const links: ClientParts['links'] = {
      problems: () => problems,
      status: () => Promise.resolve([]),
      close: () => undefined,
    };
    const cluster = {
      version: 1 as const,
      clusterId: '0'.repeat(32),
      replicas: [],
      certificateAuthority: '',
      clients: [{ name: 'alice', publicKey: alice }],
      settings,
    };
    const identity = { name: 'alice', publicKey: alice, cluster };
    this.client = new Client({ identity, driver, links, timeoutMs: 10_000 });
  }

  answer(result: Result): void {
    this.outcome = { kind: 'result', result: encodeResult(result) };
  }

  get space(): Space {
    return this.client.space('jobs');
  }
}

const wireEntry = (owner = 'alice') => ({
  id: 17n,
  tuple: ['job', 42] as const,
  owner: clientName(owner),
  deadline: null,
});
const entry = { id: 17n, tuple: ['job', 42], owner: 'alice' };

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: unknown) => error,
  );

describe('operations', () => {
  it('are sent as what they are, reads as fast reads', async () => {
    const driver = new FakeDriver();
    const { space } = driver;
    const template = [{ kind: 'value', value: 'job' }, { kind: 'any' }, { kind: 'formal', type: 'int' }];
    driver.answer({ kind: 'entry', entry: wireEntry() });
    await space.out(['job', 1, double(1), 2n ** 60n, true, new Uint8Array([1])]);
    await space.rdp(['job', any, formal.int]);
    await space.inp(['job', any, formal.int]);
    await space.replace(['job', any, formal.int], [1]);
    driver.answer({ kind: 'entries', entries: [] });
    await space.rdAll(['job', any, formal.int], { limit: 3, after: 9n });
    await space.rdAll(['job', any, formal.int]);
    await space.inAll(['job', any, formal.int], { limit: 4 });
    driver.answer({ kind: 'count', count: 3 });
    await space.count(['job', any, formal.int]);
    driver.answer({ kind: 'cas', inserted: true, entry: wireEntry() });
    await space.cas(['job', any, formal.int], [1]);
    expect(driver.made.map(({ operation, isFastRead }) => [operation, isFastRead])).toEqual([
      [
        {
          kind: 'out',
          space: 'jobs',
          tuple: ['job', 1, new Double(1), 2n ** 60n, true, new Uint8Array([1])],
          lease: null,
        },
        false,
      ],
      [{ kind: 'rdp', space: 'jobs', template }, true],
      [{ kind: 'inp', space: 'jobs', template }, false],
      [{ kind: 'replace', space: 'jobs', template, tuple: [1], lease: null }, false],
      [{ kind: 'rdAll', space: 'jobs', template, limit: 3, after: 9n }, true],
      [{ kind: 'rdAll', space: 'jobs', template, limit: 0, after: 0n }, true],
      [{ kind: 'inAll', space: 'jobs', template, limit: 4 }, false],
      [{ kind: 'count', space: 'jobs', template }, true],
      [{ kind: 'cas', space: 'jobs', template, tuple: [1], lease: null }, false],
    ]);
  });

  it('answer with entries and the names of their owners', async () => {
    const driver = new FakeDriver();
    driver.answer({ kind: 'entry', entry: wireEntry() });
    expect(await driver.space.out(['job', 42])).toEqual(entry);
    driver.answer({ kind: 'entries', entries: [wireEntry(), wireEntry('bob')] });
    expect(await driver.space.rdAll([any, any])).toEqual([entry, { ...entry, owner: 'bob' }]);
  });

  it('tell "no match" apart from failures', async () => {
    const driver = new FakeDriver();
    driver.answer({ kind: 'entry', entry: null });
    expect(await driver.space.rdp([any])).toBeNull();
    expect(await driver.space.inp([any])).toBeNull();
    expect(await driver.space.replace([any], [1])).toBeNull();
    driver.answer({ kind: 'cas', inserted: false, entry: null });
    expect(await driver.space.cas([any], [1])).toEqual({ inserted: false, entry: null });
    driver.answer({ kind: 'cas', inserted: false, entry: wireEntry() });
    expect(await driver.space.cas([any], [1])).toEqual({ inserted: false, entry });
    driver.answer({ kind: 'count', count: 0 });
    expect(await driver.space.count([any])).toBe(0);
  });

  it('answer with entries, which say who may read and take them if that was narrowed', async () => {
    const driver = new FakeDriver();
    driver.answer({ kind: 'entry', entry: wireEntry() });
    expect(await driver.space.out(['job', 42])).toEqual(entry);
    const narrowed = { readers: [clientName('alice'), clientName('bob')], takers: [] };
    driver.answer({ kind: 'entries', entries: [wireEntry(), { ...wireEntry(), ...narrowed }] });
    expect(await driver.space.rdAll([any, any])).toEqual([
      entry,
      { ...entry, readers: ['alice', 'bob'], takers: [] },
    ]);
  });

  it('send whom an entry is for, each once and in order', async () => {
    const driver = new FakeDriver();
    const { space } = driver;
    driver.answer({ kind: 'entry', entry: wireEntry() });
    await space.out(['job', 1], { readers: ['bob', 'alice', 'bob'], takers: [] });
    await space.replace(['job'], ['job', 1], { takers: ['bob'] });
    driver.answer({ kind: 'cas', inserted: true, entry: wireEntry() });
    await space.cas(['job'], ['job', 1], { readers: ['a'], lease: 5_000 });
    await space.cas(['job'], ['job', 1], { readers: undefined, takers: undefined });
    const access = driver.made.map(({ operation }) => {
      const { readers, takers } = operation as { readers?: unknown; takers?: unknown };
      return [operation.kind, readers, takers];
    });
    expect(access).toEqual([
      ['out', ['alice', 'bob'], []],
      ['replace', undefined, ['bob']],
      ['cas', ['a'], undefined],
      ['cas', undefined, undefined],
    ]);
  });

  it.each([
    ['a string', 'alice'],
    ['something that is no name', ['alice', 7]],
    ['an empty name', ['']],
    ['a name with a blank', ['alice smith']],
    ['half of a surrogate pair', ['\ud800']],
    ['too long a name', ['a'.repeat(65)]],
  ])('refuse %s as readers or takers', async (_, names) => {
    const driver = new FakeDriver();
    for (const option of ['readers', 'takers']) {
      const error = await failure(driver.space.out(['job'], { [option]: names as string[] }));
      expect(error).toMatchObject({ name: 'InvalidInputError', code: 'INVALID_NAMES', fields: { option } });
    }
    expect(driver.made).toEqual([]);
  });

  it("take the client's time-out or their own", async () => {
    const driver = new FakeDriver();
    driver.answer({ kind: 'entry', entry: null });
    await driver.space.rdp([any]);
    await driver.space.rdp([any], { timeout: 250 });
    expect(driver.made.map(({ timeoutMs }) => timeoutMs)).toEqual([10_000, 250]);
  });
});

describe('leases', () => {
  const timed = { ...wireEntry(), deadline: 1_790_000_000_000 };

  it('go with what inserts, and renew asks for one', async () => {
    const driver = new FakeDriver();
    const { space } = driver;
    driver.answer({ kind: 'entry', entry: timed });
    expect(await space.out(['job', 42], { lease: 5_000 })).toEqual({ ...entry, deadline: timed.deadline });
    expect(await space.replace(['job', 42], ['job', 42], { lease: 5_001 })).toHaveProperty('deadline');
    expect(await space.renew(['job', any], 5_002)).toEqual({ ...entry, deadline: timed.deadline });
    driver.answer({ kind: 'entry', entry: null });
    expect(await space.renew(['job', any], Number.MAX_SAFE_INTEGER)).toBeNull();
    driver.answer({ kind: 'cas', inserted: true, entry: timed });
    expect(await space.cas(['job', 42], ['job', 42], { lease: 5_003 })).toEqual({
      inserted: true,
      entry: { ...entry, deadline: timed.deadline },
    });
    expect(driver.made.map(({ operation, isFastRead }) => [operation, isFastRead])).toMatchObject([
      [{ kind: 'out', lease: 5_000 }, false],
      [{ kind: 'replace', lease: 5_001 }, false],
      [
        {
          kind: 'renew',
          space: 'jobs',
          template: [{ kind: 'value', value: 'job' }, { kind: 'any' }],
          lease: 5_002,
        },
        false,
      ],
      [{ kind: 'renew', lease: Number.MAX_SAFE_INTEGER }, false],
      [{ kind: 'cas', lease: 5_003 }, false],
    ]);
  });

  it('without one an entry has no deadline at all', async () => {
    const driver = new FakeDriver();
    driver.answer({ kind: 'entry', entry: wireEntry() });
    expect(await driver.space.out(['job', 42], { hold: false })).not.toHaveProperty('deadline');
  });

  it.each([
    [0, '0'],
    [-1, '-1'],
    [NaN, 'NaN'],
    [1.5, '1.5'],
    [2 ** 53, '9007199254740992'],
    [Infinity, 'Infinity'],
    ['5s', "'5s'"],
    [5n, '5n'],
    [null, 'null'],
  ])('of %s ms are refused by name', async (lease, shown) => {
    const driver = new FakeDriver();
    const { space } = driver;
    for (const call of [
      () => space.out([1], { lease: lease as never }),
      () => space.cas([1], [1], { lease: lease as never }),
      () => space.replace([1], [1], { lease: lease as never }),
      () => space.renew([1], lease as never),
    ]) {
      const error = await failure(call());
      expect(error).toMatchObject({
        name: 'InvalidInputError',
        code: 'LEASE_INVALID',
        fields: { value: shown },
      });
      expect(String(error)).toContain(shown);
    }
    expect(driver.made).toEqual([]);
  });

  it('renew needs one', async () => {
    const driver = new FakeDriver();
    expect(await failure(driver.space.renew([1], undefined as never))).toMatchObject({
      code: 'LEASE_INVALID',
    });
  });

  it('that are held come with a handle, which renews and releases exactly that tuple', async () => {
    const driver = new FakeDriver();
    const tuple = ['job', 42];
    driver.answer({ kind: 'entry', entry: timed });
    const { entry: made, lease } = await driver.space.out(tuple, { lease: 60_000, hold: true });
    expect(made).toEqual({ ...entry, deadline: timed.deadline });
    expect([lease.fencingToken, lease.isHeld(), lease.lost.aborted]).toEqual([17n, true, false]);
    expect(await lease.release()).toBe(true);
    expect(driver.made.at(-1)).toMatchObject({
      operation: { kind: 'inp', template: tuple.map((value) => ({ kind: 'value', value })) },
      timeoutMs: 10_000,
    });
  });

  it('held by cas come with a handle only for the one who inserts', async () => {
    const driver = new FakeDriver();
    driver.answer({ kind: 'cas', inserted: false, entry: timed });
    const lost = await driver.space.cas(['job', any], ['job', 42], { lease: 60_000, hold: true });
    expect(lost).toEqual({ inserted: false, entry: { ...entry, deadline: timed.deadline } });
    driver.answer({ kind: 'cas', inserted: true, entry: timed });
    const won = await driver.space.cas(['job', any], ['job', 42], { lease: 60_000, hold: true });
    expect(won).toMatchObject({ inserted: true, lease: { fencingToken: 17n } });
    driver.answer({ kind: 'entry', entry: timed });
    if (won.inserted) expect(await won.lease.release()).toBe(true);
    expect(driver.made.at(-1)!.operation.kind).toBe('inp');
  });

  it('count from when they were asked for, with the clocks of the cluster file', async () => {
    // A lease that is lost as soon as it is there: 20 s are no more than clocks may differ by.
    const driver = new FakeDriver({ clockSkewMaxMs: 10_000 });
    driver.answer({ kind: 'entry', entry: timed });
    const { lease } = await driver.space.out(['job', 42], { lease: 20_000, hold: true });
    expect(lease.isHeld()).toBe(false);
    expect(lease.lost.reason).toMatchObject({ name: 'LeaseLostError', code: 'LEASE_LOST' });
    expect(await lease.release()).toBe(false);
    expect(driver.made).toHaveLength(1);
  });
});

describe('what is not a result is an error', () => {
  it('a refusal never returns normally (pitfall 24)', async () => {
    const driver = new FakeDriver();
    const { space } = driver;
    driver.answer({ kind: 'refused', code: 'NO_SUCH_SPACE', detail: 0 });
    const calls = [
      () => space.out([1]),
      () => space.rdp([1]),
      () => space.inp([1]),
      () => space.rdAll([1]),
      () => space.inAll([1]),
      () => space.count([1]),
      () => space.cas([1], [1]),
      () => space.replace([1], [1]),
      () => space.renew([1], 5_000),
    ];
    for (const call of calls) {
      expect(await failure(call())).toMatchObject({ name: 'RefusedError', code: 'NO_SUCH_SPACE' });
    }
  });

  it.each([
    ['RESULT_TOO_LARGE', { fits: 12 }],
    ['TUPLE_TOO_LARGE', { limit: 12 }],
    ['FIELD_TOO_LARGE', { limit: 12 }],
    ['TOO_MANY_FIELDS', { limit: 12 }],
    ['LEASE_TOO_SHORT', { leaseMinMs: 12 }],
  ] as const)('%s carries its number', async (code, fields) => {
    const driver = new FakeDriver();
    driver.answer({ kind: 'refused', code, detail: 12 });
    expect(await failure(driver.space.rdAll([any]))).toMatchObject({
      code,
      fields: { operation: 'rdAll', ...fields },
    });
  });

  it('refusals by the session rules carry their code', async () => {
    const driver = new FakeDriver();
    driver.outcome = { kind: 'refused', code: 'TOO_MANY_SESSIONS' };
    expect(await failure(driver.space.out([1]))).toMatchObject({
      name: 'RefusedError',
      code: 'TOO_MANY_SESSIONS',
    });
  });

  it('unknown and unavailable stay apart and say which replicas are missing', async () => {
    const driver = new FakeDriver();
    driver.outcome = { kind: 'unknown' };
    const unknown = await failure(driver.space.out([1]));
    expect(unknown).toMatchObject({ name: 'UnknownOutcomeError', code: 'OUTCOME_UNKNOWN' });
    expect(String(unknown)).toContain('replica 2 (host:1): connection refused');
    driver.outcome = { kind: 'unavailable' };
    const unavailable = await failure(driver.space.out([1]));
    expect(unavailable).toMatchObject({ name: 'UnavailableError', code: 'SERVICE_UNAVAILABLE' });
    expect(String(unavailable)).toContain('replica 2 (host:1): connection refused');
  });

  it('an agreed answer that is none to this operation', async () => {
    const driver = new FakeDriver();
    driver.answer({ kind: 'count', count: 1 });
    const { space } = driver;
    for (const call of [space.out([1]), space.rdp([1]), space.rdAll([1]), space.cas([1], [1])]) {
      expect(await failure(call)).toMatchObject({ code: 'UNEXPECTED_RESULT' });
    }
    driver.answer({ kind: 'entry', entry: null });
    expect(await failure(space.out([1]))).toMatchObject({ code: 'UNEXPECTED_RESULT' });
    driver.outcome = { kind: 'result', result: new Uint8Array([255]) };
    expect(await failure(space.count([1]))).toMatchObject({ code: 'UNEXPECTED_RESULT' });
  });
});

describe('AbortSignal', () => {
  it('aborted before: rejects with the reason, nothing is sent', async () => {
    const driver = new FakeDriver();
    const reason = new Error('changed my mind');
    expect(await failure(driver.space.out([1], { signal: AbortSignal.abort(reason) }))).toBe(reason);
    expect(driver.made).toEqual([]);
  });

  it('aborted before anything was sent: rejects with the reason', async () => {
    const driver = new FakeDriver();
    driver.cancelOutcome = { kind: 'unavailable' };
    const abort = new AbortController();
    const reason = new Error('changed my mind');
    const call = driver.space.out([1], { signal: abort.signal });
    abort.abort(reason);
    expect(await failure(call)).toBe(reason);
  });

  it('aborted after it was sent: the outcome is unknown, because of the reason', async () => {
    const driver = new FakeDriver();
    const abort = new AbortController();
    const reason = new Error('changed my mind');
    const call = driver.space.out([1], { signal: abort.signal });
    abort.abort(reason);
    expect(await failure(call)).toMatchObject({
      name: 'UnknownOutcomeError',
      code: 'OUTCOME_UNKNOWN',
      cause: reason,
    });
  });

  it('aborted after the answer: changes nothing', async () => {
    const driver = new FakeDriver();
    driver.answer({ kind: 'count', count: 1 });
    const abort = new AbortController();
    expect(await driver.space.count([1], { signal: abort.signal })).toBe(1);
    abort.abort();
    expect(driver.made).toHaveLength(1);
  });
});

describe('a closed client', () => {
  it('ends open calls and takes no more', async () => {
    const driver = new FakeDriver();
    const { client, space } = driver;
    const open = failure(space.out([1]));
    await client.close();
    await client.close();
    expect(await open).toMatchObject({ name: 'UnknownOutcomeError' });
    expect(await failure(space.out([1]))).toMatchObject({ name: 'UnavailableError', code: 'CLIENT_CLOSED' });
    expect(await failure(client.status())).toMatchObject({ code: 'CLIENT_CLOSED' });
    expect(driver.made).toHaveLength(1);
  });

  it('is what `await using` leaves behind', async () => {
    const driver = new FakeDriver();
    await driver.client[Symbol.asyncDispose]();
    expect(await failure(driver.space.out([1]))).toMatchObject({ code: 'CLIENT_CLOSED' });
  });
});

describe('wrong input is refused before anything is sent', () => {
  const justRight = Array.from({ length: 16 }, () => new Uint8Array(65_500));
  const large = Array.from({ length: 20 }, () => new Uint8Array(60_000));
  const wrong: readonly (readonly [string, string, (space: Space) => Promise<unknown>])[] = [
    ['a tuple that is no array', 'INVALID_TUPLE', (space) => space.out('job' as never)],
    ['a template that is no array', 'INVALID_TEMPLATE', (space) => space.rdp(undefined as never)],
    ['any in a tuple', 'INVALID_FIELD', (space) => space.out([any as never])],
    ['NaN', 'INVALID_FIELD', (space) => space.out([NaN])],
    ['null', 'INVALID_FIELD', (space) => space.rdp([null as never])],
    ['a lone surrogate', 'INVALID_FIELD', (space) => space.inp(['\ud800'])],
    ['an integer beyond 64 bits', 'INVALID_FIELD', (space) => space.count([2n ** 63n])],
    ['too many fields', 'TOO_MANY_FIELDS', (space) => space.out(Array.from({ length: 65 }, () => 1))],
    ['a large field', 'FIELD_TOO_LARGE', (space) => space.out(['x'.repeat(70_000)])],
    ['a large tuple', 'TUPLE_TOO_LARGE', (space) => space.out(large)],
    ['a large template', 'TEMPLATE_TOO_LARGE', (space) => space.inAll(large)],
    ['template and tuple too large together', 'TUPLE_TOO_LARGE', (space) => space.cas(justRight, justRight)],
    ['an unknown option', 'UNKNOWN_OPTION', (space) => space.out([1], { leese: 5_000 } as never)],
    ['a lease where there is none', 'UNKNOWN_OPTION', (space) => space.inp([1], { lease: 5_000 } as never)],
    [
      'hold where there is none',
      'UNKNOWN_OPTION',
      (space) => space.replace([1], [1], { hold: true } as never),
    ],
    ['hold without a lease', 'INVALID_OPTION', (space) => space.out([1], { hold: true } as never)],
    ['hold as text', 'INVALID_OPTION', (space) => space.cas([1], [1], { lease: 1, hold: 'yes' } as never)],
    ['limit where there is none', 'UNKNOWN_OPTION', (space) => space.rdp([1], { limit: 1 } as never)],
    ['options that are none', 'INVALID_OPTION', (space) => space.out([1], 5_000 as never)],
    ['time-out 0', 'INVALID_OPTION', (space) => space.out([1], { timeout: 0 })],
    ['no end at all', 'INVALID_OPTION', (space) => space.out([1], { timeout: Infinity })],
    ['a time-out as text', 'INVALID_OPTION', (space) => space.out([1], { timeout: '5s' as never })],
    ['a signal that is none', 'INVALID_OPTION', (space) => space.out([1], { signal: {} as never })],
    ['a negative limit', 'INVALID_OPTION', (space) => space.rdAll([1], { limit: -1 })],
    ['half a limit', 'INVALID_OPTION', (space) => space.inAll([1], { limit: 0.5 })],
    ['a large limit', 'INVALID_OPTION', (space) => space.inAll([1], { limit: 2 ** 32 })],
    ['a negative after', 'INVALID_OPTION', (space) => space.rdAll([1], { after: -1n })],
    ['after beyond 64 bits', 'INVALID_OPTION', (space) => space.rdAll([1], { after: 2n ** 64n })],
    ['after as text', 'INVALID_OPTION', (space) => space.rdAll([1], { after: '1' as never })],
  ];

  it.each(wrong)('%s', async (_what, code, call) => {
    const driver = new FakeDriver();
    expect(await failure(call(driver.space))).toMatchObject({ name: 'InvalidInputError', code });
    expect(driver.made).toEqual([]);
  });

  it.each(['', 'x'.repeat(257), '\ud800', 7, undefined])('a space called %j', (name) => {
    const { client } = new FakeDriver();
    expect(() => client.space(name as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_SPACE_NAME' }),
    );
  });
});
