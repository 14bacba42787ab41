/**
 * The operations of one tuple space (DESIGN section 4) as users call them: plain values in, entries out.
 * A refusal never returns normally (pitfall 24); "nothing matches" is a result and no error.
 */
import { assert, InvalidInputError } from '../base/index.js';
import {
  encodeTemplate,
  encodeTuple,
  normalizeTemplate,
  normalizeTuple,
  tupleBytesMax,
  type Entry as WireEntry,
  type Field,
  type Operation,
  type Result,
  type EntryEvent as WireEvent,
  type Template,
  type TemplateField,
  type Tuple,
} from '../codec/index.js';
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
  type AccessOptions,
  type CallOptions,
  type SubscribeOptions,
  type WaitOptions,
} from './options.js';
import type { SpaceEvent, Subscription } from './subscription.js';
import type { WaitEvents, WaitOperation } from './waits.js';

/** A stored tuple. */
export interface Entry {
  /** Global insertion number: monotonic, so it serves as a fencing token. */
  readonly id: bigint;
  readonly tuple: Tuple;
  /** Name of the client that inserted it. */
  readonly owner: string;
  /** Ordered time at which the entry is gone, ms since the epoch; absent: never. */
  readonly deadline?: number;
  /** Who alone may read or take it, if that was narrowed. */
  readonly readers?: readonly string[];
  readonly takers?: readonly string[];
}

/** Fields of a tuple as users write them: a plain number is an integer iff it has no fraction. */
export type TupleInput = readonly Field[];
/** A value, `any` or a typed formal for each field. */
export type TemplateInput = readonly (Field | TemplateField)[];

/** The match is null if it is hidden from the caller. */
export type CasResult =
  | { readonly inserted: true; readonly entry: Entry }
  | { readonly inserted: false; readonly entry: Entry | null };

/** Of what inserts. */
export interface LeaseOptions extends CallOptions, AccessOptions {
  /**
   * How long the entry lives unless renewed, ms; the service grants at most 24 h and refuses less than
   * 4·(clockSkewMax + 50 ms). Default: until it is taken.
   */
  readonly lease?: number | undefined;
}

/** With `hold` the caller gets a `Lease`, which renews the entry until it is released or lost. */
export interface HoldOptions extends LeaseOptions {
  readonly lease: number;
  readonly hold: true;
}

interface PlainOptions extends LeaseOptions {
  readonly hold?: false | undefined;
}

export interface HeldEntry {
  readonly entry: Entry;
  readonly lease: Lease;
}

export type HeldCasResult =
  | { readonly inserted: true; readonly entry: Entry; readonly lease: Lease }
  | { readonly inserted: false; readonly entry: Entry | null };

export interface LimitOptions extends CallOptions {
  /** At most this many; 0 (default): all. */
  readonly limit?: number | undefined;
}

export interface PageOptions extends LimitOptions {
  /** Only entries with a greater id. */
  readonly after?: bigint | undefined;
}

/** What a space needs of its client. */
export interface Caller {
  /** The agreed result, never a refusal. */
  call(operation: Operation, isFastRead: boolean, options: CallOptions | undefined): Promise<Result>;
  /** Runs an operation that may wait, until it is over. */
  wait(operation: WaitOperation, options: WaitEvents): Promise<Result>;
  subscribe<E>(
    operation: Extract<Operation, { readonly kind: 'subscribe' }>,
    signal: AbortSignal | undefined,
    toEvent: (sequence: number, event: WireEvent) => SpaceEvent<E>,
  ): Subscription<E>;
  /** Default time-out of calls, ms. */
  readonly timeoutMs: number;
  readonly clock: LeaseClock;
  /** Of the cluster, ms. */
  readonly clockSkewMaxMs: number;
}

const leaseOptions = [...callOptions, ...accessOptions, 'lease'] as const;
const holdOptions = [...leaseOptions, 'hold'] as const;
const limitOptions = [...callOptions, 'limit'] as const;
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

  /** Made by `client.space(name)`. */
  constructor(name: string, caller: Caller) {
    this.name = name;
    this.#caller = caller;
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
    const entry = this.#entry(operation, await this.#caller.call(operation, false, options));
    return isHeld ? { entry, lease: this.#hold(entry, lease, sentAtMs) } : entry;
  }

  /** Reads the oldest match, or null. */
  async rdp(template: TemplateInput, options?: CallOptions): Promise<Entry | null> {
    checkOptions(options, callOptions, 'rdp');
    const operation = { kind: 'rdp', space: this.name, template: templateOf(template) } as const;
    return this.#entryOrNull(operation, await this.#caller.call(operation, true, options));
  }

  /** Takes the oldest match, or null. */
  async inp(template: TemplateInput, options?: CallOptions): Promise<Entry | null> {
    checkOptions(options, callOptions, 'inp');
    const operation = { kind: 'inp', space: this.name, template: templateOf(template) } as const;
    return this.#entryOrNull(operation, await this.#caller.call(operation, false, options));
  }

  /**
   * Reads the oldest match; if there is none, waits at the replicas until there is one. Null: the time is over.
   * @throws RefusedError TOO_MANY_WAITS, WAIT_TOO_LONG; the signal's reason.
   */
  async rd(template: TemplateInput, options?: WaitOptions): Promise<Entry | null> {
    return this.#wait('rd', template, options);
  }

  /**
   * Takes the oldest match; if there is none, waits at the replicas until there is one. Among those who wait, the
   * first to arrive gets it. Null: the time is over.
   * @throws as `rd`; UnknownOutcomeError if the session was lost meanwhile: an entry may have been taken.
   */
  async in(template: TemplateInput, options?: WaitOptions): Promise<Entry | null> {
    return this.#wait('in', template, options);
  }

  /**
   * What happens to matching entries from now on, or from event `from` on: an async iterable. Every event is believed
   * only at f+1 replicas, and comes once and in order.
   * @throws through the iteration: RefusedError HISTORY_TRUNCATED (field `from`: the oldest event that can be had),
   * TOO_MANY_SUBSCRIPTIONS; what ended it, such as SPACE_DELETED or POLICY_DENIED; and as any call.
   */
  subscribe(template: TemplateInput, options?: SubscribeOptions): Subscription<Entry> {
    checkOptions(options, ['from', 'signal'], 'subscribe');
    const from = checkFrom(options?.from);
    const operation = { kind: 'subscribe', space: this.name, template: templateOf(template), from } as const;
    const toEvent = (sequence: number, { kind, entry }: WireEvent): SpaceEvent<Entry> => ({
      kind,
      sequence,
      entry: this.#toEntry(entry),
    });
    return this.#caller.subscribe(operation, checkSignal(options?.signal), toEvent);
  }

  async #wait(kind: 'rd' | 'in', template: TemplateInput, options?: WaitOptions): Promise<Entry | null> {
    checkOptions(options, [...callOptions, 'onWaiting'], kind);
    const timeout = checkWait(options?.timeout);
    const signal = checkSignal(options?.signal);
    const onWaiting = checkCallback(options?.onWaiting, 'onWaiting');
    const operation = { kind, space: this.name, template: templateOf(template), timeout } as const;
    return this.#entryOrNull(operation, await this.#caller.wait(operation, { signal, onWaiting }));
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
    return this.#entries(operation, await this.#caller.call(operation, true, options));
  }

  /** Takes all matches, oldest first. */
  async inAll(template: TemplateInput, options?: LimitOptions): Promise<Entry[]> {
    checkOptions(options, limitOptions, 'inAll');
    const limit = checkLimit(options?.limit);
    const operation = { kind: 'inAll', space: this.name, template: templateOf(template), limit } as const;
    return this.#entries(operation, await this.#caller.call(operation, false, options));
  }

  /** The number of matches. */
  async count(template: TemplateInput, options?: CallOptions): Promise<number> {
    checkOptions(options, callOptions, 'count');
    const operation = { kind: 'count', space: this.name, template: templateOf(template) } as const;
    const result = await this.#caller.call(operation, true, options);
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
    const result = await this.#caller.call(operation, false, options);
    if (result.kind !== 'cas') throw unexpectedResult(operation.kind);
    const entry = result.entry === null ? null : this.#toEntry(result.entry);
    if (!result.inserted) return { inserted: false, entry };
    if (entry === null) throw unexpectedResult(operation.kind);
    return isHeld
      ? { inserted: true, entry, lease: this.#hold(entry, lease, sentAtMs) }
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
    return this.#entryOrNull(operation, await this.#caller.call(operation, false, options));
  }

  /**
   * Gives the oldest match among the timed entries that this identity inserted a new deadline, `lease` ms from
   * now, be it later or earlier; the entry with that deadline, or null if there is none.
   */
  async renew(template: TemplateInput, lease: number, options?: CallOptions): Promise<Entry | null> {
    checkOptions(options, callOptions, 'renew');
    const renewal = { template: templateOf(template), lease: checkLease(lease) };
    const operation = { kind: 'renew', space: this.name, ...renewal } as const;
    return this.#entryOrNull(operation, await this.#caller.call(operation, false, options));
  }

  /** `sentAtMs`: before the entry was asked for. */
  #hold({ id, tuple }: Entry, lease: number | null, sentAtMs: number): Lease {
    assert(lease !== null, 'what is held has a lease');
    const { clock, clockSkewMaxMs, timeoutMs } = this.#caller;
    const found = (entry: Entry | null): bigint | null => entry?.id ?? null;
    const held: LeaseEntry = {
      id,
      timeoutMs,
      renew: async (leaseMs, options) => found(await this.renew(tuple, leaseMs, options)),
      take: async (options) => found(await this.inp(tuple, options)),
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
