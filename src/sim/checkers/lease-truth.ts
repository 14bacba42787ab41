/**
 * Lease truth (DESIGN section 3; pitfall 16): in the committed order no result shows an entry at or after its
 * deadline, none misses one before it unless it was taken, and every deadline is the ordered time of the
 * insertion or renewal plus the lease. Follows the results themselves, from what was inserted to what was seen;
 * shares no code with src/space.
 */
import { decodeOperation, decodeResult, isAdminOperation } from '../../codec/index.js';
import type { Entry, Operation, Result, SpaceOperation, Template, Tuple } from '../../codec/index.js';
import { requestKey } from './committed-order.js';
import type { CommittedStep, Effect, Execution, RequestKey } from './committed-order.js';
import { isMatch } from './tuple-space-model.js';
import type { LeaseLimits } from './tuple-space-model.js';
import { violated } from './violation.js';

interface Known {
  readonly tuple: Tuple;
  readonly owner: string;
  deadline: number | null;
}

export function checkLeaseTruth(steps: readonly CommittedStep[], limits: LeaseLimits): void {
  const ledger = new Ledger(limits);
  for (const { time, execution, effects } of steps) {
    ledger.time = time;
    if (execution !== null) ledger.follow(execution);
    for (const effect of effects) ledger.followLate(effect);
  }
}

type Wait = Extract<Operation, { readonly kind: 'rd' | 'in' }>;

class Ledger {
  readonly #limits: LeaseLimits;
  /** What was inserted and not taken, oldest first; expired entries stay until they are looked for. */
  readonly #known = new Map<bigint, Known>();
  #lastId = 0n;
  readonly #waits = new Map<RequestKey, Wait>();
  time = 0;

  constructor(limits: LeaseLimits) {
    this.#limits = limits;
  }

  follow({ operation: { client, session, number, operation: bytes }, result: answer }: Execution): void {
    const operation = decodeOperation(bytes);
    if (operation === null || isAdminOperation(operation)) return;
    if (answer === null) {
      if (operation.kind !== 'rd' && operation.kind !== 'in')
        violated('lease-truth', `${operation.kind} waits`);
      if (this.#alive(operation.template).length > 0)
        violated('lease-truth', `${operation.kind} waits although there is a match`);
      this.#waits.set(requestKey(session, number), operation);
      return;
    }
    const result = decodeResult(answer);
    if (result === null) return;
    const isTooShort = 'lease' in operation && (operation.lease ?? Infinity) < this.#limits.leaseMinMs;
    const isRefused = result.kind === 'refused' && result.code === 'LEASE_TOO_SHORT';
    if (isTooShort !== isRefused)
      violated('lease-truth', `a lease was ${isRefused ? 'refused' : 'granted'} against the least one`);
    if (result.kind !== 'refused') this.#compare(operation, result, client);
  }

  /** A wait ends; what it is shown must be there, and is gone if it takes it. */
  followLate({ session, number, result: answer, isGiven }: Effect): void {
    const wait = this.#waits.get(requestKey(session, number));
    const result = decodeResult(answer);
    if (wait === undefined || result?.kind !== 'entry' || result.entry === null) return;
    const expected = this.#alive(wait.template).slice(0, 1);
    if (wait.kind === 'in' && isGiven) this.#took(expected, [result.entry]);
    else this.#saw(expected, [result.entry]);
  }

  #compare(operation: SpaceOperation, result: Result, owner: string): void {
    if (operation.kind === 'cancel' || operation.kind === 'subscribe') return;
    if (operation.kind === 'spaceKey' || operation.kind === 'repair') return;
    if (operation.kind === 'out') return this.#insert(operation, owner, shown(result)[0]);
    const alive = this.#alive(operation.template);
    switch (operation.kind) {
      case 'count':
        if (result.kind !== 'count' || result.count !== alive.length)
          violated('lease-truth', `counted ${describe(result)}, ${alive.length} are there`);
        return;
      case 'rdAll':
        return this.#saw(firstOf(alive, operation.limit, operation.after), shown(result));
      case 'inAll':
        return this.#took(firstOf(alive, operation.limit, 0n), shown(result));
      case 'rd':
      case 'rdp':
        return this.#saw(alive.slice(0, 1), shown(result));
      case 'in':
      case 'inp':
        return this.#took(alive.slice(0, 1), shown(result));
      case 'replace':
        this.#took(alive.slice(0, 1), shown(result));
        if (shown(result).length > 0) this.#insert(operation, owner, undefined);
        return;
      case 'cas': {
        if (result.kind !== 'cas' || !result.inserted) return this.#saw(alive.slice(0, 1), shown(result));
        this.#saw(alive, []);
        return this.#insert(operation, owner, shown(result)[0]);
      }
      case 'renew': {
        const own = alive.filter((id) => this.#isRenewable(id, owner)).slice(0, 1);
        const known = own[0] === undefined ? undefined : this.#known.get(own[0])!;
        if (known !== undefined) known.deadline = this.#deadlineOf(operation.lease);
        return this.#saw(own, shown(result));
      }
    }
  }

  #isRenewable(id: bigint, owner: string): boolean {
    const known = this.#known.get(id)!;
    return known.deadline !== null && known.owner === owner;
  }

  #deadlineOf(lease: number | null): number | null {
    return lease === null ? null : this.time + Math.min(lease, this.#limits.leaseMaxMs);
  }

  /** `entry` is what the inserter was told, if it was told. */
  #insert(
    { tuple, lease }: { tuple: Tuple; lease: number | null },
    owner: string,
    entry: Entry | undefined,
  ): void {
    const id = ++this.#lastId;
    const known: Known = { tuple, owner, deadline: this.#deadlineOf(lease) };
    this.#known.set(id, known);
    if (entry !== undefined && (entry.id !== id || entry.deadline !== known.deadline))
      violated('lease-truth', `entry ${entry.id} was given the deadline ${entry.deadline ?? 'none'}`);
  }

  #alive(template: Template): bigint[] {
    const alive: bigint[] = [];
    for (const [id, { tuple, deadline }] of this.#known)
      if ((deadline === null || deadline > this.time) && isMatch(template, tuple)) alive.push(id);
    return alive;
  }

  #took(expected: readonly bigint[], entries: readonly Entry[]): void {
    this.#saw(expected, entries);
    for (const { id } of entries) this.#known.delete(id);
  }

  /** What was shown against what is there. */
  #saw(expected: readonly bigint[], entries: readonly Entry[]): void {
    for (const { id, deadline } of entries) {
      const known = this.#known.get(id);
      if (known === undefined)
        violated('lease-truth', `entry ${id} was seen, but it was taken or never there`);
      if (known.deadline !== null && known.deadline <= this.time)
        violated('lease-truth', `entry ${id} was seen ${this.time - known.deadline} ms after its deadline`);
      if (known.deadline !== deadline)
        violated('lease-truth', `entry ${id} was shown with the deadline ${deadline ?? 'none'}`);
    }
    const seen = new Set(entries.map(({ id }) => id));
    const missing = expected.find((id) => !seen.has(id));
    if (missing === undefined && seen.size === expected.length) return;
    const { deadline } = this.#known.get(missing ?? entries[0]!.id)!;
    const left = deadline === null ? 'though it stays' : `${deadline - this.time} ms before its deadline`;
    violated('lease-truth', `entry ${missing ?? ''} was not seen, ${left}`);
  }
}

function shown(result: Result): readonly Entry[] {
  if (result.kind === 'entries') return result.entries;
  if (result.kind !== 'entry' && result.kind !== 'cas') return [];
  return result.entry === null ? [] : [result.entry];
}

const firstOf = (ids: readonly bigint[], limit: number, after: bigint): readonly bigint[] => {
  const later = ids.filter((id) => id > after);
  return limit === 0 ? later : later.slice(0, limit);
};

const describe = (result: Result): string => (result.kind === 'count' ? String(result.count) : result.kind);
