/** Policies in the service: fast reads, what rules see, what evaluations cost and leave behind, changes of policy. */
import { beforeEach, describe, expect, it } from 'vitest';
import { clientName, sessionId } from '../../../src/base/index.js';
import { any, normalizeTemplate, normalizeTuple } from '../../../src/codec/index.js';
import { GuardedService, policyOf, type Asked } from '../../support/guarded-service.js';

const template = (...fields: unknown[]) => normalizeTemplate(fields);
const reads: Record<string, Asked> = {
  rdp: { kind: 'rdp', template: template('lasting') },
  rdAll: { kind: 'rdAll', template: template('lasting'), limit: 0, after: 0n },
  count: { kind: 'count', template: template('lasting') },
};
const kinds = Object.keys(reads);
const skewMs = 500;
const start = 1_000;
const deadline = start + 10_000;

let service: GuardedService;

beforeEach(() => {
  service = new GuardedService();
});

const out = (client: string, fields: unknown[], lease: number | null = null, rest = {}) =>
  service.ask(client, { kind: 'out', tuple: normalizeTuple(fields), lease, ...rest }, 's');
const set = (rules: string | null) => {
  const policy = rules === null ? null : policyOf(rules);
  expect(service.ask('admin', { kind: 'spaceSetPolicy', policy }, 's')).toMatchObject({ kind: 'space' });
};
const refused = (code: string, subject: string) => ({ kind: 'refused', code, detail: 0, subject });

/** ['lasting'] stays, ['soon'] goes at `deadline`; then the rule decides on reads. */
function withReads(rule: string, before: string | null = null): void {
  service.create('s', { policy: before });
  out('alice', ['lasting']);
  out('alice', ['soon'], deadline - start);
  set(kinds.map((kind) => `${kind}: ${rule}`).join(', '));
}

describe.each(kinds)('a fast %s', (kind) => {
  const asked = reads[kind]!;
  const fast = (nowMs = start) => service.read('alice', asked, 's', nowMs);

  it('is answered as it would be in order, if the rule depends on nothing that may change', () => {
    for (const rule of [
      'true',
      '({ invoker }) => invoker === "alice"',
      '({ template }) => template.length === 1',
    ]) {
      service = new GuardedService();
      withReads(rule);
      expect(fast()).toEqual(service.ask('alice', asked, 's'));
      expect(fast(deadline)).not.toBe(null);
    }
  });

  it('is left to order if the rule reads the time, however it does, whatever it would say', () => {
    for (const rule of [
      '({ time }) => time > 0',
      '(attempt) => attempt.time > 0',
      '({ invoker, time }) => invoker === "alice" || time > 0',
      '(attempt) => [1].every(() => attempt.time > 0)',
    ]) {
      service = new GuardedService();
      withReads(rule);
      expect(fast()).toBe(null);
      expect(service.ask('alice', asked, 's')?.kind).not.toBe('refused');
    }
  });

  it('is left to order if the rule reads the time in a function that it calls', () => {
    service.create('s');
    const source = policyOf(`${kind}: (attempt) => isLate(attempt)`);
    const policy = source.replace('export', 'const isLate = ({ time }) => time >= 5000;\nexport');
    service.ask('admin', { kind: 'spaceSetPolicy', policy }, 's');
    expect(fast(9_000)).toBe(null);
    expect(service.ask('alice', asked, 's')).toEqual(refused('POLICY_DENIED', kind));
    service.advanceTime(5_000);
    expect(service.ask('alice', asked, 's')?.kind).toBe(
      kind === 'rdp' ? 'entry' : kind === 'count' ? 'count' : 'entries',
    );
  });

  it('is left to order once an entry that the rule may have seen is close to its deadline', () => {
    withReads('({ space }) => space.exists(template("soon"))');
    expect(fast(deadline - skewMs - 1)).toEqual(service.ask('alice', asked, 's'));
    for (const nowMs of [deadline - skewMs, deadline, deadline + 60_000]) expect(fast(nowMs)).toBe(null);
    service.advanceTime(deadline);
    expect(fast(deadline)).toBe(null);
    expect(service.ask('alice', asked, 's')).toEqual(refused('POLICY_DENIED', kind));
  });

  it('minds no deadline of another space', () => {
    withReads('({ space }) => !space.exists(template("late"))');
    service.advanceTime(deadline);
    service.ask('alice', { kind: 'out', tuple: normalizeTuple(['late']), lease: 10_000 });
    expect(fast(deadline + 10_000)).toEqual(service.ask('alice', asked, 's'));
  });

  it('is left to order if it would be refused, and counts no refusal', () => {
    for (const [rule, code] of [
      ['false', 'POLICY_DENIED'],
      ['({ invoker }) => invoker[9].length === 1', 'POLICY_ERROR'],
      ['({ space }) => space.exists(template("never"))', 'POLICY_DENIED'],
    ] as const) {
      service = new GuardedService();
      withReads(rule);
      expect(fast()).toBe(null);
      expect(service.service.refusals()).toEqual([]);
      expect(service.ask('alice', asked, 's')).toEqual(refused(code, kind));
    }
  });
});

describe('what a rule sees', () => {
  it('is every entry, those hidden from the client included', () => {
    service.create('s', {
      policy: policyOf('out: true, cas: ({ space }) => space.count(template(any, any)) === 0'),
    });
    const cas = () =>
      service.ask(
        'alice',
        { kind: 'cas', template: template('free'), tuple: normalizeTuple(['free']), lease: null },
        's',
      );
    out('bob', ['secret', 1], null, { readers: [clientName('bob')], takers: [clientName('bob')] });
    expect(cas()).toEqual(refused('POLICY_DENIED', 'cas'));
    set(
      'cas: ({ space }) => space.count(template(any, any)) === 1 && space.rdp(template("secret", any)).tuple[1] === 1',
    );
    expect(cas()).toMatchObject({ inserted: true });
    set(`out: true, rdAll: ({ space }) => space.rdAll(template("secret", any)).length === 1, count: true`);
    expect(
      service.ask('alice', { kind: 'rdAll', template: template('secret', any), limit: 0, after: 0n }, 's'),
    ).toEqual({
      kind: 'entries',
      entries: [],
    });
  });

  it('is id, owner and deadline of entries, the same after a restore', () => {
    service.create('s');
    const first = out('bob', ['job', 1], 9_000);
    const id = first?.kind === 'entry' ? Number(first.entry!.id) : 0;
    out('alice', ['job', 2]);
    const rule = [
      `const [first, second] = space.rdAll(template("job", any));`,
      `return first.id === ${id} && first.owner === "bob" && first.deadline === ${start + 9_000} && first.tuple[1] === 1`,
      `&& second.id === ${id + 1} && second.owner === "alice" && second.deadline === null;`,
    ].join(' ');
    set(`count: ({ space }) => { ${rule} }`);
    const count: Asked = { kind: 'count', template: template(any) };
    expect(service.ask('alice', count, 's')).toEqual({ kind: 'count', count: 0 });
    service.restore();
    expect(service.ask('alice', count, 's')).toEqual({ kind: 'count', count: 0 });
  });

  it('is the deadline as it was renewed, and nothing that has expired', () => {
    service.create('s');
    out('alice', ['mine'], 9_000);
    service.advanceTime(5_000);
    service.ask('alice', { kind: 'renew', template: template('mine'), lease: 9_000 }, 's');
    set('count: ({ space }) => space.rdp(template("mine"))?.deadline === 14000');
    const count: Asked = { kind: 'count', template: template('mine') };
    expect(service.ask('bob', count, 's')).toEqual({ kind: 'count', count: 1 });
    service.advanceTime(14_000);
    expect(service.ask('bob', count, 's')).toEqual(refused('POLICY_DENIED', 'count'));
  });

  it('is the space before the operation, and only its own', () => {
    service.create('s', { policy: policyOf('out: ({ space, tuple }) => !space.exists(tuple), count: true') });
    service.ask('alice', { kind: 'out', tuple: normalizeTuple(['once']), lease: null });
    expect(out('alice', ['once'])).toMatchObject({ kind: 'entry' });
    expect(out('alice', ['once'])).toEqual(refused('POLICY_DENIED', 'out'));
  });
});

describe('what an evaluation costs', () => {
  /** The rule looks at `rounds` · (number of matches) entries: within its budget or not. */
  const looking = (rounds: number, look: string) =>
    `({ space }) => [${'0,'.repeat(rounds)}].every(() => ${look})`;
  const count: Asked = { kind: 'count', template: template('job', any) };
  const code = () => {
    const result = service.ask('alice', count, 's');
    return result?.kind === 'refused' ? result.code : result?.kind;
  };

  it.each([
    ['count of a formal', 'space.count(template("job", any)) >= 0'],
    ['count of two constants', 'space.count(template("job", 3)) >= 0'],
    ['rdAll', 'space.rdAll(template(any, 3)).length >= 0'],
    ['rdp', 'space.rdp(template("job", 299)) !== undefined'],
    ['exists', 'space.exists(template("job", "none")) === false'],
  ])('is the same after a restore: %s', (_name, look) => {
    service.create('s');
    // Taken and renewed ones leave gaps and pages in another order than that of insertion.
    for (let i = 0; i < 400; i++)
      out(i % 3 === 0 ? 'alice' : 'bob', ['job', i % 300], i % 2 === 0 ? null : 9_000 + i);
    for (let i = 0; i < 300; i += 7) service.ask('bob', { kind: 'inp', template: template('job', i) }, 's');
    for (let i = 1; i < 300; i += 5)
      service.ask('bob', { kind: 'renew', template: template('job', i), lease: 50_000 }, 's');
    service.advanceTime(start + 9_200);
    const outcomes = (): (string | undefined)[] =>
      [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024].map((rounds) => {
        set(`count: ${looking(rounds, look)}`);
        return code();
      });
    const before = outcomes();
    service.restore();
    expect(outcomes()).toEqual(before);
    expect(before).toContain('count');
    expect(before.at(-1)).toBe('POLICY_BUDGET');
  });

  it('is the same to the step after a restore', () => {
    service.create('s');
    for (let i = 0; i < 100; i++) out('alice', ['job', i % 90], i % 2 === 0 ? null : 9_000 + i);
    service.ask('bob', { kind: 'inAll', template: template('job', 5), limit: 0 }, 's');
    /** How many rounds the budget is enough for. */
    const limit = () => {
      let [fits, over] = [0, 1_200];
      while (over - fits > 1) {
        const middle = (fits + over) >> 1;
        set(`count: ${looking(middle, 'space.count(template("job", any)) >= 0')}`);
        if (code() === 'POLICY_BUDGET') over = middle;
        else fits = middle;
      }
      return fits;
    };
    const before = limit();
    expect(before).toBeGreaterThan(50);
    service.restore();
    expect(limit()).toBe(before);
  });
});

describe('evaluations', () => {
  const rule =
    '({ invoker, space }) => invoker === "alice" && space.rdAll(template("lasting")).some(({ tuple }) => tuple.length === 1)';

  it('leave no trace in the state, whether they allow, deny or fail', () => {
    withReads(rule, null);
    const other = service;
    service = new GuardedService();
    withReads(rule, null);
    expect(service.root).toBe(other.root);
    for (const client of ['alice', 'bob', 'stranger'])
      for (const kind of kinds)
        for (const nowMs of [start, deadline]) other.read(client, reads[kind]!, 's', nowMs);
    for (const kind of kinds) other.ask('bob', reads[kind]!, 's');
    expect(other.root).toBe(service.root);
    for (const one of [service, other]) {
      one.ask('admin', { kind: 'spaceSetPolicy', policy: policyOf(`out: ${rule}`) }, 's');
      one.ask('alice', { kind: 'out', tuple: normalizeTuple(['next']), lease: null }, 's');
    }
    expect(other.root).toBe(service.root);
    other.restore();
    for (const one of [service, other])
      one.ask('alice', { kind: 'out', tuple: normalizeTuple(['last']), lease: 9_000 }, 's');
    expect(other.root).toBe(service.root);
  });

  it('do not tell of those before: a space’s verdicts are its own', () => {
    const policy = policyOf('out: ({ space }) => !space.exists(template("closed"))');
    for (const space of ['s', 't']) service.create(space, { policy });
    expect(out('alice', ['closed'])).toMatchObject({ kind: 'entry' });
    const later = { kind: 'out', tuple: normalizeTuple(['later']), lease: null } as const;
    const verdicts = ['s', 't', 's', 't'].map((space) => service.ask('alice', later, space)?.kind);
    expect(verdicts).toEqual(['refused', 'entry', 'refused', 'entry']);
  });
});

describe('a change of policy', () => {
  const subscribe = (client: string): number => {
    const asked = { kind: 'subscribe', template: template(any), from: null } as const;
    expect(service.ask(client, asked, 's')).toMatchObject({ kind: 'subscribed' });
    return service.lastNumber;
  };
  const wait = (client: string): number => {
    expect(service.ask(client, { kind: 'in', template: template('job'), timeout: null }, 's')).toBe(null);
    return service.lastNumber;
  };
  const told = (client: string, number: number) => service.told(client, number)?.map((event) => event.kind);

  it('holds from the next operation on', () => {
    service.create('s', { policy: policyOf('out: true') });
    expect(out('alice', [1])).toMatchObject({ kind: 'entry' });
    set('rdp: true');
    expect(out('alice', [1])).toEqual(refused('POLICY_DENIED', 'out'));
    set(null);
    expect(out('alice', [1])).toMatchObject({ kind: 'entry' });
  });

  it('ends subscriptions with the code of the rule that failed, by the space as it is then', () => {
    for (const [rule, code] of [
      ['({ space }) => !space.exists(template("job"))', 'POLICY_DENIED'],
      ['({ time }) => time < 5000', 'POLICY_DENIED'],
      ['({ template }) => template[9].length === 1', 'POLICY_ERROR'],
      ['({ invoker }) => invoker === "bob"', 'POLICY_DENIED'],
    ] as const) {
      service = new GuardedService();
      service.create('s');
      const [hers, his] = [subscribe('alice'), subscribe('bob')];
      out('bob', ['job']);
      service.advanceTime(5_000);
      set(`subscribe: ${rule}`);
      service.restore();
      const last = { kind: 'ended', code, subject: 'subscribe' };
      expect(service.told('alice', hers)).toMatchObject([{ kind: 'inserted' }, last]);
      expect(told('bob', his)).toEqual(rule.includes('bob') ? ['inserted'] : ['inserted', 'ended']);
    }
  });

  it('asks about subscriptions only then: what a rule would say later changes nothing', () => {
    service.create('s', {
      policy: policyOf('out: true, subscribe: ({ space }) => !space.exists(template("job"))'),
    });
    const number = subscribe('alice');
    out('bob', ['job']);
    out('bob', ['job']);
    expect(told('alice', number)).toEqual(['inserted', 'inserted']);
    expect(service.ask('alice', { kind: 'subscribe', template: template(any), from: null }, 's')).toEqual(
      refused('POLICY_DENIED', 'subscribe'),
    );
    set(null);
    out('bob', ['job']);
    expect(told('alice', number)).toEqual(['inserted', 'inserted', 'inserted']);
  });

  it('does not bring back what an earlier one ended', () => {
    service.create('s');
    const number = subscribe('alice');
    set('out: true');
    set(null);
    out('bob', ['job']);
    service.restore();
    expect(told('alice', number)).toEqual(['ended']);
  });

  it('leaves everything as it is if the policy is none', () => {
    service.create('s');
    const number = subscribe('alice');
    wait('alice');
    const { root } = service;
    const policy = policyOf('subscribe: () => Math.random() < 1');
    expect(service.ask('admin', { kind: 'spaceSetPolicy', policy }, 's')).toMatchObject({
      code: 'POLICY_INVALID',
    });
    expect(service.root).toBe(root);
    expect(told('alice', number)).toEqual([]);
    expect(service.effects.resolved).toEqual([]);
  });

  it('ends nobody’s wait by itself: who waits is asked about when a match comes', () => {
    service.create('s');
    const [hers, his] = [wait('alice'), wait('bob')];
    set('out: true');
    set('out: true, in: ({ invoker, template }) => invoker === "bob" || template[9].length === 1');
    expect(service.effects.resolved).toEqual([]);
    service.restore();
    out('bob', ['other']);
    expect(service.effects.resolved).toEqual([]);
    out('bob', ['job']);
    expect(service.effects.resolved).toMatchObject([
      { number: hers, result: refused('POLICY_ERROR', 'in') },
      { number: his, result: { kind: 'entry', entry: { tuple: ['job'] } } },
    ]);
  });

  it('lets those go on waiting who would have been refused in between', () => {
    service.create('s');
    const number = wait('alice');
    set('out: true');
    set(null);
    out('bob', ['job']);
    expect(service.effects.resolved).toMatchObject([
      { number, result: { kind: 'entry', entry: { tuple: ['job'] } } },
    ]);
  });

  it('is asked about a wait of the session’s own client, not of who inserts', () => {
    service.create('s', { policy: policyOf('out: true, in: ({ invoker }) => invoker === "alice"') });
    const number = wait('alice');
    expect(service.ask('bob', { kind: 'in', template: template('job'), timeout: null }, 's')).toEqual(
      refused('POLICY_DENIED', 'in'),
    );
    service.ask('bob', { kind: 'cancel', session: sessionId(1), number }, 's');
    out('bob', ['job']);
    expect(service.effects.resolved).toMatchObject([{ number, result: { kind: 'entry' } }]);
  });
});
