/** Random runs with guards meet what they are there for. */
import { describe, expect, it } from 'vitest';
import { decodeEvent, decodeOperation, decodeResult } from '../../src/codec/index.js';
import type { Result } from '../../src/codec/index.js';
import { runRandom } from '../../src/sim/index.js';
import type { World } from '../../src/sim/world.js';

/** The last ones meet POLICY_BUDGET and feeds that end, which is rare. */
const seeds = [...Array.from({ length: 40 }, (_, index) => 101 + index), 144, 151, 152, 153, 164, 176];

/** How often each thing happened, over all seeds. */
const tally = new Map<string, number>();
const note = (what: string): void => void tally.set(what, (tally.get(what) ?? 0) + 1);

const named = (result: Result | null): string =>
  result === null ? 'waits' : result.kind === 'refused' ? result.code : result.kind;

function noteRun({ checks, history }: World): void {
  for (const { operation, result, effects, ended } of checks.order
    .batches()
    .flatMap((one) => one.executions)) {
    const asked = decodeOperation(operation.operation);
    // Malicious clients ask for what is none.
    if (asked === null || asked.space === 'default') continue;
    const { kind } = asked;
    const decoded = result === null ? null : decodeResult(result);
    note(named(decoded));
    if (decoded?.kind !== 'refused') note(`${kind} done`);
    if (decoded?.kind === 'client') note(decoded.client.revokedAt === null ? 'added' : 'revoked');
    if (ended.length > 0) note('sessions ended');
    for (const effect of effects) note(`late ${named(decodeResult(effect.result))}`);
  }
  for (const { outcome, operation } of history.entries)
    if (outcome?.kind === 'result' && outcome.path === 'fast' && operation.space !== 'default') note('fast');
  for (const { data } of history.feeds.flatMap(({ told }) => told)) {
    const event = decodeEvent(data)!;
    note(event.kind === 'ended' ? `ended ${event.code}` : event.kind);
  }
}

describe('random runs with guards (pitfall 28)', () => {
  for (const seed of seeds) {
    it(`seed ${seed}`, () => {
      let world: World | null = null;
      const prepare = (made: World): void => void (world = made);
      const { failure, outcomes } = runRandom({ seed, guards: true, operations: 24, prepare });
      expect(failure).toBeUndefined();
      expect(outcomes.open).toBe(0);
      noteRun(world!);
    });
  }

  it.each([
    [
      'are allowed everything',
      [
        'out',
        'cas',
        'replace',
        'renew',
        'rdp',
        'inp',
        'rdAll',
        'inAll',
        'count',
        'rd',
        'in',
        'subscribe',
      ].map((kind) => `${kind} done`),
      3,
    ],
    [
      'are refused by lists, quotas and limits',
      ['ACL_DENIED', 'QUOTA_EXCEEDED', 'TOO_MANY_WAITS', 'LEASE_TOO_SHORT'],
      5,
    ],
    ['are refused by policies, broken ones too', ['POLICY_DENIED', 'POLICY_ERROR', 'POLICY_BUDGET'], 2],
    [
      'administer, and are kept from it',
      [
        'space',
        'clients',
        'added',
        'revoked',
        'ADMIN_ONLY',
        'ADMIN_STAYS',
        'POLICY_INVALID',
        'NO_SUCH_SPACE',
        'NO_SUCH_CLIENT',
        'SPACE_EXISTS',
        'NAME_TAKEN',
      ],
      3,
    ],
    [
      'wait, and are woken, denied and sent away',
      ['waits', 'late entry', 'late cancelled', 'late POLICY_DENIED', 'late SPACE_DELETED'],
      5,
    ],
    [
      'are told of events, until they are not',
      ['inserted', 'taken', 'expired', 'ended POLICY_DENIED', 'ended SPACE_DELETED'],
      3,
    ],
    ['read without order and lose their sessions', ['fast', 'sessions ended'], 5],
  ] as const)('%s', (_what, things, least) => {
    const rare = things.filter((thing) => (tally.get(thing) ?? 0) < least);
    expect(rare.map((thing) => [thing, tally.get(thing) ?? 0])).toEqual([]);
  });
});
