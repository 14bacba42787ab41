/**
 * Guards (DESIGN section 5) against a model that is nothing but lists: whoever is no client gets nothing; nobody reads,
 * takes or hears of an entry that lists or policy keep from him; nothing is refused without a cause and nothing allowed
 * is refused; and every answer, late ones included, is what the operation does in all spaces at that point of the
 * committed order. Shares no code with src/space and src/service.
 */
import { equalBytes } from '../../base/index.js';
import type { ClientId, ClientName, SessionId } from '../../base/index.js';
import { decodeOperation, decodeResult, encodeResult, isAdminOperation, noTuple } from '../../codec/index.js';
import type {
  AdminOperation,
  Entry,
  EventKind,
  Operation,
  Result,
  SpaceOperation,
  Template,
} from '../../codec/index.js';
import { createSpace, firstEventAfter, setPolicyOf } from './administered-spaces.js';
import { isSameResult, requestKey } from './committed-order.js';
import type { CommittedStep, Effect, Execution } from './committed-order.js';
import { attemptFor, fitting, GuardedSpace, mayRead, mayTake, refusal, shown } from './guarded-space.js';
import type { Guarded, Refusal } from './guarded-space.js';
import { GuardedSubscriptions } from './guarded-subscriptions.js';
import type { Requested } from './guarded-subscriptions.js';
import { adminName, RegisteredClients } from './registered-clients.js';
import type { RegisteredClient } from './registered-clients.js';
import { isMatch } from './tuple-space-model.js';
import { violated } from './violation.js';
import type { WaitLimits } from './waiting.js';

interface Waiter extends Requested {
  readonly kind: 'rd' | 'in';
  readonly deadline: number | null;
}

/** Who asks. */
interface Asker {
  readonly name: ClientName;
  readonly session: SessionId;
  readonly number: number;
  readonly mayWait: boolean;
}

const read = (entry: Entry | null): Result => ({ kind: 'entry', entry });

export class GuardsModel {
  readonly #limits: WaitLimits;
  readonly #clients: RegisteredClients;
  /** In order of creation. */
  #spaces: readonly GuardedSpace[];
  /** Of spaces to come. */
  #nextFirstEvent = 1;
  #nextId = 1n;
  /** In order of arrival. */
  #waiters: readonly Waiter[] = [];
  readonly subscriptions = new GuardedSubscriptions();
  #time = 0;
  /** What the step at hand did to others, as far as it is not explained yet. */
  #effects: readonly Effect[] = [];

  constructor(clients: readonly RegisteredClient[], limits: WaitLimits) {
    this.#limits = limits;
    this.#clients = new RegisteredClients(clients);
    const unbounded = { entries: null, bytes: null, waits: null };
    const lists = { insert: null, readers: null, takers: null };
    const config = { ...lists, quota: unbounded, clientQuota: unbounded, policy: null, confidential: null };
    this.#spaces = [new GuardedSpace('default', 1, config, null, { time: 0, by: adminName, digest: null })];
  }

  follow({ time, execution, ended, effects }: CommittedStep): void {
    this.#time = time;
    this.#effects = effects;
    if (execution === null) {
      this.#endSessions(ended);
      this.#pass();
    } else {
      this.#execute(execution);
      this.#endSessions(ended);
    }
    const [unexplained] = this.#effects;
    if (unexplained !== undefined)
      violated('guards', `${requestKey(unexplained.session, unexplained.number)} ended without a reason`);
  }

  /** The answer to a read that was not ordered; null: there is none. */
  query(client: ClientId, operation: Operation): Uint8Array | null {
    const name = this.#clients.nameOf(client);
    const isRead = operation.kind === 'rdp' || operation.kind === 'rdAll' || operation.kind === 'count';
    if (name === null || !isRead || !this.#refusals(operation, name).includes(null)) return null;
    return encodeResult(this.#read(this.#space(operation.space)!, operation, name));
  }

  #endSessions(ended: readonly SessionId[]): void {
    this.#waiters = this.#waiters.filter(({ session }) => !ended.includes(session));
    this.subscriptions.endSessions(ended);
  }

  #pass(): void {
    const isDue = ({ deadline }: { readonly deadline: number | null }): boolean =>
      deadline !== null && deadline <= this.#time;
    const due = this.#spaces.flatMap((space) =>
      space.entries.filter(isDue).map((entry) => ({ space, entry })),
    );
    due.sort((a, b) => a.entry.deadline! - b.entry.deadline! || (a.entry.id < b.entry.id ? -1 : 1));
    for (const { space, entry } of due) this.#remove(space, entry, 'expired');
    const late = this.#waiters.filter(isDue).sort((a, b) => a.deadline! - b.deadline!);
    for (const waiter of late) this.#end(waiter, read(null));
  }

  #execute({ operation: ordered, result: given }: Execution): void {
    const { client, session, number, mayWait } = ordered;
    const operation = decodeOperation(ordered.operation);
    if (operation === null) return;
    const name = this.#clients.nameOf(client);
    const expected =
      name === null
        ? refusal('UNKNOWN_CLIENT')
        : this.#answer(operation, { name, session, number, mayWait }, given);
    if (isSameResult(given, expected === null ? null : encodeResult(expected))) return;
    const what = `${operation.kind} of ${name ?? 'nobody'} in "${operation.space}" as ${requestKey(session, number)}`;
    const told = given === null ? null : decodeResult(given);
    violated('guards', `${what}: ${shown(told)} instead of ${shown(expected)}`);
  }

  /** Null: it waits. `given` decides where more than one answer is right. */
  #answer(operation: Operation, asker: Asker, given: Uint8Array | null): Result | null {
    if (isAdminOperation(operation)) return this.#administer(operation, asker.name);
    if (operation.kind === 'cancel') return this.#cancel(operation, asker.name);
    // No space here is confidential.
    if (operation.kind === 'spaceKey' || operation.kind === 'repair') {
      const isThere = this.#space(operation.space) !== undefined;
      return refusal(isThere ? 'SPACE_NOT_CONFIDENTIAL' : 'NO_SUCH_SPACE');
    }
    const refused = this.#chosen(this.#refusals(operation, asker.name), given);
    return refused ?? this.#run(this.#space(operation.space)!, operation, asker);
  }

  #chosen(possible: readonly (Refusal | null)[], given: Uint8Array | null): Refusal | null {
    const isGiven = (one: Refusal | null): boolean =>
      one !== null && given !== null && equalBytes(encodeResult(one), given);
    const found = possible.find(isGiven);
    return found ?? (possible.includes(null) ? null : possible[0]!);
  }

  #space(name: string): GuardedSpace | undefined {
    return this.#spaces.find((space) => space.name === name);
  }

  /** What may keep the operation from being done; mostly one thing. */
  #refusals(operation: Guarded, name: ClientName): readonly (Refusal | null)[] {
    const lease = 'lease' in operation ? operation.lease : null;
    if (lease !== null && lease < this.#limits.leaseMinMs)
      return [refusal('LEASE_TOO_SHORT', this.#limits.leaseMinMs)];
    if ('tuple' in operation) {
      const unknown = this.#clients.nameRefusal([...(operation.readers ?? []), ...(operation.takers ?? [])]);
      if (unknown !== null) return [unknown];
    }
    const space = this.#space(operation.space);
    if (space === undefined) return [refusal('NO_SUCH_SPACE')];
    const unlisted = space.listRefusal(operation.kind, name);
    return unlisted === null ? space.verdicts(attemptFor(space, operation, name, this.#time)) : [unlisted];
  }

  #run(space: GuardedSpace, operation: Guarded, asker: Asker): Result | null {
    const { name } = asker;
    switch (operation.kind) {
      case 'out':
        return space.roomRefusal(operation.tuple, name, null) ?? read(this.#insert(space, operation, name));
      case 'cas': {
        const match = space.matches(operation.template)[0];
        if (match !== undefined)
          return { kind: 'cas', inserted: false, entry: mayRead(match, name) ? match : null };
        const full = space.roomRefusal(operation.tuple, name, null);
        return full ?? { kind: 'cas', inserted: true, entry: this.#insert(space, operation, name) };
      }
      case 'replace': {
        const entry = space.matches(operation.template).find((one) => mayTake(one, name)) ?? null;
        const full = entry === null ? null : space.roomRefusal(operation.tuple, name, entry);
        if (entry === null || full !== null) return full ?? read(null);
        this.#remove(space, entry, 'replaced');
        this.#insert(space, operation, name);
        return read(entry);
      }
      case 'renew':
        return this.#renew(space, operation.template, operation.lease, name);
      case 'inp':
        return read(this.#take(space, operation.template, name));
      case 'inAll':
        return this.#takeAll(space, operation.template, operation.limit, name);
      case 'rd':
      case 'in':
        return this.#wait(space, operation, asker);
      case 'subscribe':
        return this.#subscribe(space, operation.template, operation.from, asker);
      default:
        return this.#read(space, operation, name);
    }
  }

  #read(
    space: GuardedSpace,
    operation: Extract<Guarded, { readonly kind: 'rdp' | 'rdAll' | 'count' }>,
    name: ClientName,
  ): Result {
    const readable = space.matches(operation.template).filter((entry) => mayRead(entry, name));
    if (operation.kind === 'rdp') return read(readable[0] ?? null);
    if (operation.kind === 'count') return { kind: 'count', count: readable.length };
    const later = readable.filter(({ id }) => id > operation.after);
    return fitting(later, operation.limit);
  }

  #take(space: GuardedSpace, template: Template, name: ClientName): Entry | null {
    const entry = space.matches(template).find((one) => mayTake(one, name)) ?? null;
    if (entry !== null) this.#remove(space, entry, 'taken');
    return entry;
  }

  #takeAll(space: GuardedSpace, template: Template, limit: number, name: ClientName): Result {
    const result = fitting(
      space.matches(template).filter((entry) => mayTake(entry, name)),
      limit,
    );
    if (result.kind === 'entries') for (const entry of result.entries) this.#remove(space, entry, 'taken');
    return result;
  }

  #deadline(lease: number | null): number | null {
    return lease === null ? null : this.#time + Math.min(lease, this.#limits.leaseMaxMs);
  }

  #insert(
    space: GuardedSpace,
    { tuple, lease, readers, takers }: Extract<Guarded, { readonly kind: 'out' | 'cas' | 'replace' }>,
    owner: ClientName,
  ): Entry {
    const lists = { ...(readers && { readers }), ...(takers && { takers }) };
    const entry: Entry = { id: this.#nextId++, tuple, owner, deadline: this.#deadline(lease), ...lists };
    space.entries = [...space.entries, entry];
    space.note('inserted', entry);
    this.#wake(space, entry);
    return { ...entry, tuple: noTuple };
  }

  /** In order of arrival; the first that takes the entry is the last that sees it. */
  #wake(space: GuardedSpace, entry: Entry): void {
    for (const waiter of this.#waiters) {
      const may = waiter.kind === 'rd' ? mayRead : mayTake;
      if (waiter.space !== space || !isMatch(waiter.template, entry.tuple) || !may(entry, waiter.name))
        continue;
      const { kind, template } = waiter;
      const operation = { kind, space: space.name, template, timeout: null };
      const possible = space.verdicts(attemptFor(space, operation, waiter.name, this.#time));
      const refused = this.#chosen(possible, this.#effects[0]?.result ?? null);
      const isGiven = this.#end(waiter, refused ?? read(entry));
      if (refused !== null || kind === 'rd' || !isGiven) continue;
      this.#remove(space, entry, 'taken');
      return;
    }
  }

  #renew(space: GuardedSpace, template: Template, lease: number, name: ClientName): Result {
    const entry = space.renewable(template, name);
    if (entry === null) return read(null);
    const renewed: Entry = { ...entry, deadline: this.#deadline(lease) };
    space.entries = space.entries.map((one) => (one === entry ? renewed : one));
    return read(renewed);
  }

  #wait(
    space: GuardedSpace,
    operation: Extract<Guarded, { readonly kind: 'rd' | 'in' }>,
    { name, session, number, mayWait }: Asker,
  ): Result | null {
    const { kind, template, timeout } = operation;
    const may = kind === 'rd' ? mayRead : mayTake;
    const entry = space.matches(template).find((one) => may(one, name));
    if (entry !== undefined) {
      if (kind === 'in') this.#remove(space, entry, 'taken');
      return read(entry);
    }
    const refused = this.#waitRefusal(space, name, mayWait);
    if (refused !== null) return refused;
    const deadline = timeout === null ? null : this.#time + timeout;
    const key = requestKey(session, number);
    this.#waiters = [...this.#waiters, { key, session, name, space, template, kind, deadline }];
    return null;
  }

  #waitRefusal(space: GuardedSpace, name: ClientName, mayWait: boolean): Refusal | null {
    const { waitsPerClientMax } = this.#limits;
    const own = this.#waiters.filter((waiter) => waiter.name === name);
    if (!mayWait || own.length >= waitsPerClientMax) return refusal('TOO_MANY_WAITS', waitsPerClientMax);
    const [all, mine] = [space.config.quota.waits, space.config.clientQuota.waits];
    const here = this.#waiters.filter((waiter) => waiter.space === space);
    if (all !== null && here.length >= all) return refusal('QUOTA_EXCEEDED', all, 'waits');
    const isFull = mine !== null && here.filter((waiter) => waiter.name === name).length >= mine;
    return isFull ? refusal('QUOTA_EXCEEDED', mine, 'client-waits') : null;
  }

  #subscribe(
    space: GuardedSpace,
    template: Template,
    wanted: number | null,
    { name, session, number }: Asker,
  ): Result {
    const from = wanted ?? space.nextEvent;
    const oldest = space.oldestEvent(this.#limits);
    if (from < oldest) return refusal('HISTORY_TRUNCATED', oldest);
    const key = requestKey(session, number);
    this.subscriptions.add({ key, session, name, space, template }, from);
    return { kind: 'subscribed', from };
  }

  #cancel(operation: Extract<SpaceOperation, { readonly kind: 'cancel' }>, name: ClientName): Result {
    const key = requestKey(operation.session, operation.number);
    const waiter = this.#waiters.find((one) => one.key === key && one.name === name);
    if (waiter !== undefined) this.#end(waiter, { kind: 'cancelled' });
    else if (!this.subscriptions.cancel(key, name)) return refusal('NO_SUCH_WAIT');
    return { kind: 'cancelled' };
  }

  #administer(operation: AdminOperation, name: ClientName): Result {
    const change = { by: name, time: this.#time };
    if (operation.kind === 'spaceList') {
      const summary = ({ name: called, entries, policyDigest }: GuardedSpace) => ({
        ...{ name: called, entries: entries.length, policyDigest, confidential: false },
      });
      return { kind: 'spaces', spaces: this.#spaces.map(summary) };
    }
    if (operation.kind !== 'spaceShow' && name !== adminName) return refusal('ADMIN_ONLY');
    if (
      operation.kind === 'clientAdd' ||
      operation.kind === 'clientRevoke' ||
      operation.kind === 'clientPardon' ||
      operation.kind === 'clientList'
    )
      return this.#clients.administer(operation, this.#time);
    const space = this.#space(operation.space);
    if (operation.kind === 'spaceCreate') {
      if (space !== undefined) return refusal('SPACE_EXISTS');
      const made = createSpace(
        operation.space,
        this.#nextFirstEvent,
        operation.config,
        change,
        this.#clients,
      );
      if ('code' in made) return made;
      this.#spaces = [...this.#spaces, made];
      return this.#described(made);
    }
    if (space === undefined) return refusal('NO_SUCH_SPACE');
    if (operation.kind !== 'spaceSetPolicy')
      return operation.kind === 'spaceDelete' ? this.#delete(space) : this.#described(space);
    const refused = setPolicyOf(space, operation.policy, change);
    if (refused !== null) return refused;
    this.subscriptions.recheck(space, ({ template, name: told }) => {
      const subscribe = { kind: 'subscribe', space: space.name, template, from: null } as const;
      return space.verdicts(attemptFor(space, subscribe, told, this.#time));
    });
    return this.#described(space);
  }

  #described(space: GuardedSpace): Result {
    const waits = this.#waiters.filter((waiter) => waiter.space === space).length;
    return { kind: 'space', space: space.describe(waits, this.subscriptions.countIn(space)) };
  }

  /** Its entries are gone without events; whoever waits or is told learns of it. */
  #delete(space: GuardedSpace): Result {
    const described = this.#described(space);
    this.#spaces = this.#spaces.filter((one) => one !== space);
    this.#nextFirstEvent = Math.max(this.#nextFirstEvent, firstEventAfter(space.nextEvent));
    for (const waiter of this.#waiters.filter((one) => one.space === space))
      this.#end(waiter, refusal('SPACE_DELETED'));
    this.subscriptions.recheck(space, () => [refusal('SPACE_DELETED')]);
    return described;
  }

  #remove(space: GuardedSpace, entry: Entry, kind: EventKind): void {
    space.entries = space.entries.filter((one) => one !== entry);
    space.note(kind, entry);
  }

  /** The next effect of the step must be this one; tells whether the result was given. */
  #end(waiter: Waiter, result: Result): boolean {
    this.#waiters = this.#waiters.filter((other) => other !== waiter);
    const [next, ...rest] = this.#effects;
    this.#effects = rest;
    const who = `${waiter.kind} of ${waiter.name} in "${waiter.space.name}" as ${waiter.key}`;
    if (next === undefined || requestKey(next.session, next.number) !== waiter.key)
      violated('guards', `the ${who} should have ended: ${shown(result)}`);
    if (!equalBytes(next.result, encodeResult(result)))
      violated('guards', `the ${who} ended with ${shown(decodeResult(next.result))}, not ${shown(result)}`);
    return next.isGiven;
  }
}
