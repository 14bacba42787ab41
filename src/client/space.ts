/**
 * The operations of one tuple space (DESIGN section 4) as users call them: plain values in, entries out.
 * A refusal never returns normally (pitfall 24); "nothing matches" is a result and no error.
 */
import { assert, InvalidInputError } from '../base/index.js';
import {
  any,
  encodeTemplate,
  encodeTuple,
  normalizeTemplate,
  normalizeTuple,
  tupleBytesMax,
  type Entry as WireEntry,
  type Field,
  type Operation,
  type Result,
  type SpaceOperation,
  type EntryEvent as WireEvent,
  type Template,
  type Tuple,
} from '../codec/index.js';
import type { Protection } from '../confidential/index.js';
import type { LeaseClock } from './clock.js';
import { unexpectedResult } from './failures.js';
import { Lease, type LeaseEntry } from './lease.js';
import { LeaseRule } from './lease-rule.js';
import {
  accessOptions,
  callOptions,
  checkAccess,
  checkAfter,
  checkCallback,
  checkFields,
  checkFrom,
  checkHold,
  checkLease,
  checkLimit,
  checkOptions,
  checkSignal,
  checkWait,
  type SubscribeOptions,
  type WaitOptions,
} from './options.js';
import type {
  CasResult,
  Entry,
  HeldCasResult,
  HeldEntry,
  HoldOptions,
  LeaseOptions,
  LimitOptions,
  PageOptions,
  PlainOptions,
  ProtectOptions,
  SpaceCallOptions,
  SpaceOptions,
  TemplateInput,
  TupleInput,
} from './space-options.js';
import type { SpaceEvent } from './answers.js';
import type { Subscription } from './subscription.js';
import type { WaitEvents, WaitOperation } from './waits.js';

/** What a space needs of its client. */
export interface Caller {
  /** The agreed result, never a refusal. */
  call(
    operation: SpaceOperation,
    isFastRead: boolean,
    options: SpaceCallOptions | undefined,
  ): Promise<Result>;
  /** Runs an operation that may wait, until it is over. */
  wait(
    operation: WaitOperation,
    options: WaitEvents,
    protect: readonly Protection[] | undefined,
  ): Promise<Result>;
  subscribe<E>(
    operation: Extract<Operation, { readonly kind: 'subscribe' }>,
    signal: AbortSignal | undefined,
    toEvent: (sequence: number, event: WireEvent) => SpaceEvent<E>,
    protect: readonly Protection[] | undefined,
  ): Subscription<E>;
  /** Default time-out of calls, ms. */
  readonly timeoutMs: number;
  readonly clock: LeaseClock;
  /** Of the cluster, ms. */
  readonly clockSkewMaxMs: number;
}

const spaceOptions = [...callOptions, 'protect'] as const;
const leaseOptions = [...spaceOptions, ...accessOptions, 'lease'] as const;
const holdOptions = [...leaseOptions, 'hold'] as const;
const limitOptions = [...spaceOptions, 'limit'] as const;
const pageOptions = [...limitOptions, 'after'] as const;

function checkSize(bytes: Uint8Array, what: 'tuple' | 'template'): void {
  if (bytes.length <= tupleBytesMax) return;
  const code = what === 'tuple' ? 'TUPLE_TOO_LARGE' : 'TEMPLATE_TOO_LARGE';
  const message = `the ${what} takes ${bytes.length} bytes, at most ${tupleBytesMax} are allowed`;
  throw new InvalidInputError(code, message, { sizeBytes: bytes.length, sizeBytesMax: tupleBytesMax });
}

function tupleOf(values: unknown): Tuple {
  const tuple = normalizeTuple(checkFields(values, 'tuple'));
  if (mayBeLarge(tuple)) checkSize(encodeTuple(tuple), 'tuple');
  return tuple;
}

function templateOf(values: unknown): Template {
  const template = normalizeTemplate(checkFields(values, 'template'));
  const constants = template.flatMap((field) => (field.kind === 'value' ? [field.value] : []));
  if (mayBeLarge(constants)) checkSize(encodeTemplate(template), 'template');
  return template;
}

/** Spares small tuples the encoding that would measure them: a UTF-16 unit takes three bytes at most. */
function mayBeLarge(fields: readonly Field[]): boolean {
  let bound = 0;
  for (const field of fields) {
    bound += 16;
    if (typeof field === 'string' || field instanceof Uint8Array) bound += 3 * field.length;
  }
  return bound > tupleBytesMax;
}

function leaseOf(options: LeaseOptions | undefined): number | null {
  return options?.lease === undefined ? null : checkLease(options.lease);
}

export class Space {
  readonly name: string;
  readonly #caller: Caller;
  readonly #protect: readonly Protection[] | undefined;

  /** Made by `client.space(name)`. */
  constructor(name: string, caller: Caller, options?: SpaceOptions) {
    checkOptions(options, ['protect'], 'space');
    this.name = name;
    this.#caller = caller;
    this.#protect = options?.protect;
  }

  /** Inserts a tuple. */
  async out(tuple: TupleInput, options?: PlainOptions): Promise<Entry>;
  async out(tuple: TupleInput, options: HoldOptions): Promise<HeldEntry>;
  async out(tuple: TupleInput, options?: PlainOptions | HoldOptions): Promise<Entry | HeldEntry> {
    checkOptions(options, holdOptions, 'out');
    const lease = leaseOf(options);
    const isHeld = checkHold(options?.hold, lease);
    const inserting = { tuple: tupleOf(tuple), lease, ...checkAccess(options) };
    const operation = { kind: 'out', space: this.name, ...inserting } as const;
    const sentAtMs = this.#caller.clock.nowMs();
    const entry = this.#entry(operation, await this.#call(operation, false, options));
    return isHeld ? { entry, lease: this.#hold(entry, lease, sentAtMs, this.#protectionBy(options)) } : entry;
  }

  /** Reads the oldest match, or null. */
  async rdp(template: TemplateInput, options?: SpaceCallOptions): Promise<Entry | null> {
    checkOptions(options, spaceOptions, 'rdp');
    const operation = { kind: 'rdp', space: this.name, template: templateOf(template) } as const;
    return this.#entryOrNull(operation, await this.#call(operation, true, options));
  }

  /** Takes the oldest match, or null. */
  async inp(template: TemplateInput, options?: SpaceCallOptions): Promise<Entry | null> {
    checkOptions(options, spaceOptions, 'inp');
    const operation = { kind: 'inp', space: this.name, template: templateOf(template) } as const;
    return this.#entryOrNull(operation, await this.#call(operation, false, options));
  }

  /**
   * Reads the oldest match; if there is none, waits at the replicas until there is one. Null: the time is over.
   * @throws RefusedError TOO_MANY_WAITS, WAIT_TOO_LONG; the signal's reason.
   */
  async rd(template: TemplateInput, options?: WaitOptions & ProtectOptions): Promise<Entry | null> {
    return this.#wait('rd', template, options);
  }

  /**
   * Takes the oldest match; if there is none, waits at the replicas until there is one. Among those who wait, the
   * first to arrive gets it. Null: the time is over.
   * @throws as `rd`; UnknownOutcomeError if the session was lost meanwhile: an entry may have been taken.
   */
  async in(template: TemplateInput, options?: WaitOptions & ProtectOptions): Promise<Entry | null> {
    return this.#wait('in', template, options);
  }

  /**
   * What happens to matching entries from now on, or from event `from` on: an async iterable. Every event is believed
   * only at f+1 replicas, and comes once and in order.
   * @throws through the iteration: RefusedError HISTORY_TRUNCATED (field `from`: the oldest event that can be had),
   * TOO_MANY_SUBSCRIPTIONS; what ended it, such as SPACE_DELETED or POLICY_DENIED; and as any call.
   */
  subscribe(template: TemplateInput, options?: SubscribeOptions & ProtectOptions): Subscription<Entry> {
    checkOptions(options, ['from', 'signal', 'protect'], 'subscribe');
    const from = checkFrom(options?.from);
    const operation = { kind: 'subscribe', space: this.name, template: templateOf(template), from } as const;
    const toEvent = (sequence: number, { kind, entry }: WireEvent): SpaceEvent<Entry> => ({
      kind,
      sequence,
      entry: this.#toEntry(entry),
    });
    return this.#caller.subscribe(
      operation,
      checkSignal(options?.signal),
      toEvent,
      this.#protectionBy(options),
    );
  }

  async #wait(
    kind: 'rd' | 'in',
    template: TemplateInput,
    options?: WaitOptions & ProtectOptions,
  ): Promise<Entry | null> {
    checkOptions(options, [...spaceOptions, 'onWaiting'], kind);
    const timeout = checkWait(options?.timeout);
    const signal = checkSignal(options?.signal);
    const onWaiting = checkCallback(options?.onWaiting, 'onWaiting');
    const operation = { kind, space: this.name, template: templateOf(template), timeout } as const;
    return this.#entryOrNull(
      operation,
      await this.#caller.wait(operation, { signal, onWaiting }, this.#protectionBy(options)),
    );
  }

  /** Reads all matches, oldest first. */
  async rdAll(template: TemplateInput, options?: PageOptions): Promise<Entry[]> {
    checkOptions(options, pageOptions, 'rdAll');
    const limit = checkLimit(options?.limit);
    const after = checkAfter(options?.after);
    const operation = {
      kind: 'rdAll',
      space: this.name,
      template: templateOf(template),
      limit,
      after,
    } as const;
    return this.#entries(operation, await this.#call(operation, true, options));
  }

  /** Takes all matches, oldest first. */
  async inAll(template: TemplateInput, options?: LimitOptions): Promise<Entry[]> {
    checkOptions(options, limitOptions, 'inAll');
    const limit = checkLimit(options?.limit);
    const operation = { kind: 'inAll', space: this.name, template: templateOf(template), limit } as const;
    return this.#entries(operation, await this.#call(operation, false, options));
  }

  /** The number of matches. */
  async count(template: TemplateInput, options?: SpaceCallOptions): Promise<number> {
    checkOptions(options, spaceOptions, 'count');
    const operation = { kind: 'count', space: this.name, template: templateOf(template) } as const;
    const result = await this.#call(operation, true, options);
    if (result.kind !== 'count') throw unexpectedResult(operation.kind);
    return result.count;
  }

  /** Inserts the tuple if nothing matches the template. */
  async cas(template: TemplateInput, tuple: TupleInput, options?: PlainOptions): Promise<CasResult>;
  async cas(template: TemplateInput, tuple: TupleInput, options: HoldOptions): Promise<HeldCasResult>;
  async cas(
    template: TemplateInput,
    tuple: TupleInput,
    options?: PlainOptions | HoldOptions,
  ): Promise<CasResult | HeldCasResult> {
    checkOptions(options, holdOptions, 'cas');
    const lease = leaseOf(options);
    const isHeld = checkHold(options?.hold, lease);
    const inserting = { tuple: tupleOf(tuple), lease, ...checkAccess(options) };
    const operation = {
      kind: 'cas',
      space: this.name,
      template: templateOf(template),
      ...inserting,
    } as const;
    const sentAtMs = this.#caller.clock.nowMs();
    const result = await this.#call(operation, false, options);
    if (result.kind !== 'cas') throw unexpectedResult(operation.kind);
    const entry = result.entry === null ? null : this.#toEntry(result.entry);
    if (!result.inserted) return { inserted: false, entry };
    if (entry === null) throw unexpectedResult(operation.kind);
    return isHeld
      ? { inserted: true, entry, lease: this.#hold(entry, lease, sentAtMs, this.#protectionBy(options)) }
      : { inserted: true, entry };
  }

  /** Takes the oldest match and inserts the tuple, atomically; the taken entry, or null and nothing is done. */
  async replace(template: TemplateInput, tuple: TupleInput, options?: LeaseOptions): Promise<Entry | null> {
    checkOptions(options, leaseOptions, 'replace');
    const inserting = { tuple: tupleOf(tuple), lease: leaseOf(options), ...checkAccess(options) };
    const operation = {
      kind: 'replace',
      space: this.name,
      template: templateOf(template),
      ...inserting,
    } as const;
    return this.#entryOrNull(operation, await this.#call(operation, false, options));
  }

  /**
   * Gives the oldest match among the timed entries that this identity inserted a new deadline, `lease` ms from
   * now, be it later or earlier; the entry with that deadline, or null if there is none.
   */
  async renew(template: TemplateInput, lease: number, options?: SpaceCallOptions): Promise<Entry | null> {
    checkOptions(options, spaceOptions, 'renew');
    const renewal = { template: templateOf(template), lease: checkLease(lease) };
    const operation = { kind: 'renew', space: this.name, ...renewal } as const;
    return this.#entryOrNull(operation, await this.#call(operation, false, options));
  }

  #call(
    operation: SpaceOperation,
    isFastRead: boolean,
    options: SpaceCallOptions | undefined,
  ): Promise<Result> {
    const { timeout, signal } = options ?? {};
    const protect = this.#protectionBy(options);
    return this.#caller.call(operation, isFastRead, { timeout, signal, protect });
  }

  #protectionBy(options: ProtectOptions | undefined): readonly Protection[] | undefined {
    return options?.protect ?? this.#protect;
  }

  /** `sentAtMs`: before the entry was asked for. */
  #hold(
    { id, tuple }: Entry,
    lease: number | null,
    sentAtMs: number,
    protect: readonly Protection[] | undefined,
  ): Lease {
    assert(lease !== null, 'what is held has a lease');
    // A private field matches `any` alone.
    const template = tuple.map((field, index) => (protect?.[index] === 'private' ? any : field));
    const { clock, clockSkewMaxMs, timeoutMs } = this.#caller;
    const found = (entry: Entry | null): bigint | null => entry?.id ?? null;
    const held: LeaseEntry = {
      id,
      timeoutMs,
      renew: async (leaseMs, options) => found(await this.renew(template, leaseMs, { ...options, protect })),
      take: async (options) => found(await this.inp(template, { ...options, protect })),
    };
    return new Lease(held, new LeaseRule(lease, clockSkewMaxMs, sentAtMs), clock);
  }

  #toEntry({ deadline, ...entry }: WireEntry): Entry {
    return deadline === null ? entry : { ...entry, deadline };
  }

  #entryOrNull(operation: Operation, result: Result): Entry | null {
    if (result.kind !== 'entry') throw unexpectedResult(operation.kind);
    return result.entry === null ? null : this.#toEntry(result.entry);
  }

  #entry(operation: Operation, result: Result): Entry {
    const entry = this.#entryOrNull(operation, result);
    if (entry === null) throw unexpectedResult(operation.kind);
    return entry;
  }

  #entries(operation: Operation, result: Result): Entry[] {
    if (result.kind !== 'entries') throw unexpectedResult(operation.kind);
    return result.entries.map((entry) => this.#toEntry(entry));
  }
}
