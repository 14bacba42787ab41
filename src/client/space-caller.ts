/**
 * Between a space's methods and the service: in a confidential space fingerprints go out in place of tuples and templates,
 * with what is sealed, and tuples come back in place of fingerprints (DESIGN section 7). What turns out to be no tuple is
 * repaired, and whoever reads looks again; the inserter is blacklisted. Anywhere else it passes everything on.
 */
import { RefusedError } from '../base/index.js';
import {
  encodeOperation,
  encodeTuple,
  noTuple,
  sealedOfResult,
  withOwnTuple,
  type Entry,
  type EntryEvent,
  type Operation,
  type PlainTuple,
  type Result,
  type SpaceOperation,
} from '../codec/index.js';
import {
  fingerprintTemplate,
  fingerprintTuple,
  openEntry,
  protectionsOf,
  sealedSizeOf,
  sealTuple,
  type Protection,
  type Tagger,
} from '../confidential/index.js';
import type { LeaseClock } from './clock.js';
import type { CallOptions } from './options.js';
import type { BoundOperation, Shares } from './protocol.js';
import type { Answer, SpaceEvent, ToldEvent } from './answers.js';
import type { RawCaller, SubscribeOperation } from './raw-caller.js';
import type { LoadedSeals, Seals } from './seals.js';
import type { Caller } from './space.js';
import type { SpaceCallOptions } from './space-options.js';
import { afterTaking, expiredKeys, readShares, shareAttempts, tooFewShares } from './space-keys.js';
import type { SpaceKeys } from './space-keys.js';
import type { Subscription } from './subscription.js';
import type { WaitEvents, WaitOperation } from './waits.js';

export interface SpaceCallerParts {
  readonly raw: RawCaller;
  readonly keys: SpaceKeys;
  /** Null: no space is confidential. */
  readonly seals: Seals | null;
  readonly timeoutMs: number;
  readonly clock: LeaseClock;
  readonly clockSkewMaxMs: number;
}

/** How often a reader looks again that has found something bad; each time one liar fewer may insert. */
const repairsMax = 64;

type Inserting = Extract<SpaceOperation, { readonly kind: 'out' | 'cas' | 'replace' }>;
type Protections = readonly Protection[] | undefined;

const isInserting = (operation: Operation): operation is Inserting =>
  operation.kind === 'out' || operation.kind === 'cas' || operation.kind === 'replace';

/** What opening has come to: the plain result, or why it has to be asked for again. */
type Opened = { readonly result: Result } | { readonly again: 'repaired' | 'needsShares' };

export class SpaceCaller implements Caller {
  readonly timeoutMs: number;
  readonly clock: LeaseClock;
  readonly clockSkewMaxMs: number;
  readonly #parts: SpaceCallerParts;

  constructor(parts: SpaceCallerParts) {
    this.#parts = parts;
    this.timeoutMs = parts.timeoutMs;
    this.clock = parts.clock;
    this.clockSkewMaxMs = parts.clockSkewMaxMs;
  }

  async call(
    operation: SpaceOperation,
    isFastRead: boolean,
    options: SpaceCallOptions | undefined,
  ): Promise<Result> {
    const { raw } = this.#parts;
    const { protect, ...callOptions } = options ?? {};
    const plain = (): Promise<Answer> => raw.call(operation, isFastRead, callOptions);
    const asked = this.#taggerOf(operation, callOptions, protect);
    const tagger = asked === null ? null : await asked;
    if (tagger === null)
      return withOwnTuple(operation, (await this.#noticing(operation.space, plain)).result);
    const seals = await this.#parts.seals!.load();
    const isInsertion = isInserting(operation);
    const sealed = isInsertion ? null : withTemplate(operation, tagger, protect);
    return this.#opened(operation, tagger, (isOrdered) =>
      isInsertion
        ? this.#insert(operation, tagger, seals, protect, callOptions)
        : raw.call(sealed!, isFastRead && !isOrdered, callOptions),
    );
  }

  async wait(operation: WaitOperation, events: WaitEvents, protect?: readonly Protection[]): Promise<Result> {
    const { raw } = this.#parts;
    const asked = this.#taggerOf(operation, { signal: events.signal }, protect);
    const tagger = asked === null ? null : await asked;
    if (tagger === null)
      return (await this.#noticing(operation.space, () => raw.wait(operation, events))).result;
    const until = operation.timeout === null ? null : this.clock.nowMs() + operation.timeout;
    return this.#opened(operation, tagger, () => {
      const timeout = until === null ? null : Math.max(1, Math.floor(until - this.clock.nowMs()));
      return raw.wait({ ...withTemplate(operation, tagger, protect), timeout }, events);
    });
  }

  subscribe<E>(
    operation: SubscribeOperation,
    signal: AbortSignal | undefined,
    toEvent: (sequence: number, event: EntryEvent) => SpaceEvent<E>,
    protect?: readonly Protection[],
  ): Subscription<E> {
    const known = this.#parts.keys.known(operation.space);
    const begin = async (): Promise<SubscribeOperation> => {
      const tagger = await this.#taggerOf(operation, { signal }, protect);
      return tagger === null ? operation : withTemplate(operation, tagger, protect);
    };
    return this.#parts.raw.subscribe<E>(
      known === null ? () => operation : begin,
      operation.from,
      signal,
      (sequence, event, shares): ToldEvent<E> => {
        if (event.entry.sealed === undefined) return toEvent(sequence, event);
        return this.#openedEvent(operation.space, event, shares).then((opened) =>
          opened === null ? null : toEvent(sequence, opened),
        );
      },
    );
  }

  /** Null at once for a space that is known to be plain: calls of one turn share an envelope. */
  #taggerOf(
    { kind, space }: SpaceOperation,
    options: CallOptions,
    protect: Protections,
  ): Promise<Tagger | null> | null {
    const { keys } = this.#parts;
    const known = keys.known(space);
    if (known === null && protect === undefined) return null;
    return keys.of(space, kind, options).then((tagger) => {
      if (tagger !== null || protect === undefined) return tagger;
      const message = `${kind}: the space "${space}" is not confidential: it would protect nothing. Leave \`protect\` out, or create a confidential space.`;
      throw new RefusedError('SPACE_NOT_CONFIDENTIAL', message, { operation: kind, space });
    });
  }

  /** The space may have been deleted and created anew as one of the other sort. */
  async #noticing(space: string, ask: () => Promise<Answer>): Promise<Answer> {
    try {
      return await ask();
    } catch (error) {
      const isOther =
        error instanceof RefusedError &&
        ['SEALED_MISSING', 'SPACE_NOT_CONFIDENTIAL', 'NO_SUCH_SPACE', 'SPACE_DELETED'].includes(error.code);
      if (isOther) this.#parts.keys.forget(space);
      throw error;
    }
  }

  async #insert(
    operation: Inserting,
    tagger: Tagger,
    seals: LoadedSeals,
    protect: Protections,
    options: CallOptions,
  ): Promise<Answer> {
    const tuple = operation.tuple as PlainTuple;
    const protections = protectionsOf(tuple.length, protect);
    const fingerprint = fingerprintTuple(tuple, protections, tagger);
    const concealed = { ...withTemplate(operation, tagger, protect), tuple: fingerprint } as Inserting;
    const nextDealing = await seals.dealings();
    const empty = new Uint8Array(sealedSizeOf(seals.cluster, encodeTuple(tuple).length));
    const bound: BoundOperation = {
      length: encodeOperation({ ...concealed, sealed: empty }).length,
      encode: (request) => {
        const origin = { space: operation.space, inserter: seals.inserter, ...request };
        const sealed = sealTuple(seals.cluster, nextDealing(), origin, tuple, fingerprint);
        return encodeOperation({ ...concealed, sealed });
      },
    };
    const answer = await this.#parts.raw.callBound(operation.kind, bound, options);
    return { ...answer, result: withOwnTuple(operation, answer.result) };
  }

  /** Asks until what comes can be opened. */
  async #opened(
    operation: SpaceOperation,
    tagger: Tagger,
    ask: (isOrdered: boolean) => Promise<Answer>,
  ): Promise<Result> {
    const { kind, space } = operation;
    let withoutShares = 0;
    for (let repairs = 0; repairs < repairsMax;) {
      const answer = await this.#noticing(space, () => ask(withoutShares > 0));
      const opened = await this.#open(operation, tagger, answer).catch((error: unknown) => {
        throw takes(operation) ? afterTaking(error) : error;
      });
      if ('result' in opened) return opened.result;
      // What was taken is gone: asking again would take another.
      if (opened.again === 'needsShares' && takes(operation)) throw afterTaking(tooFewShares(kind));
      if (opened.again === 'repaired') repairs += 1;
      else if (++withoutShares === shareAttempts) throw tooFewShares(kind);
    }
    const message = `${kind}: ${repairsMax} entries one after the other were no good and have been repaired; try again.`;
    throw new RefusedError('ENTRIES_DAMAGED', message, { operation: kind, space });
  }

  async #open(operation: SpaceOperation, tagger: Tagger, { result, shares }: Answer): Promise<Opened> {
    const { kind, space } = operation;
    const items = sealedOfResult(result);
    if (items.length === 0) return { result };
    const { cluster, random } = await this.#parts.seals!.load();
    const replies = readShares(shares, items.length);
    const tuples = new Map<bigint, PlainTuple>();
    let isRepaired = false;
    for (const [at, { id, fingerprint, sealed }] of items.entries()) {
      const opening = openEntry(cluster, tagger, { id, tuple: fingerprint, sealed }, replies[at]!, random);
      this.#parts.seals!.note(space, id, opening.liars);
      if (opening.kind === 'expired') throw expiredKeys(kind, space);
      if (opening.kind === 'needsShares') return { again: 'needsShares' };
      if (opening.kind === 'tuple') tuples.set(id, opening.tuple);
      else {
        await this.#repair(space, opening.evidence);
        isRepaired = true;
      }
    }
    if (isRepaired && !keepsRest(operation)) return { again: 'repaired' };
    return { result: withTuples(result, tuples, kind) };
  }

  async #openedEvent(
    space: string,
    event: EntryEvent,
    shares: Shares | undefined,
  ): Promise<EntryEvent | null> {
    const { keys, seals } = this.#parts;
    const { entry, kind } = event;
    // It has been shown to hold no tuple.
    if (kind === 'repaired') return { kind, entry: plainEntry(entry, noTuple) };
    const tagger = await keys.of(space, 'subscribe', undefined);
    if (tagger === null) return null;
    const { cluster, random } = await seals!.load();
    const { id, tuple, sealed } = entry;
    const replies = readShares(shares, 1)[0]!;
    const opening = openEntry(cluster, tagger, { id, tuple, sealed: sealed! }, replies, random);
    seals!.note(space, id, opening.liars);
    if (opening.kind === 'expired') throw expiredKeys('subscribe', space);
    if (opening.kind === 'needsShares') throw tooFewShares('subscribe');
    if (opening.kind === 'tuple') return { kind, entry: plainEntry(entry, opening.tuple) };
    await this.#repair(space, opening.evidence);
    return null;
  }

  /** Whoever came first has repaired it, or nothing is left of it: either way it is gone. */
  async #repair(space: string, evidence: Uint8Array): Promise<void> {
    try {
      await this.#parts.raw.call({ kind: 'repair', space, evidence }, false, undefined);
    } catch (error) {
      if (!(error instanceof RefusedError) || error.code !== 'NOTHING_TO_REPAIR') throw error;
    }
  }
}

function withTemplate<O extends SpaceOperation>(operation: O, tagger: Tagger, protect: Protections): O {
  if (!('template' in operation)) return operation;
  const { template } = operation;
  const protections = protectionsOf(template.length, protect);
  return { ...operation, template: fingerprintTemplate(template, protections, tagger) };
}

/** Whether the operation takes what it finds, so that looking again would find something else. */
const takes = ({ kind }: SpaceOperation): boolean =>
  kind === 'inp' || kind === 'in' || kind === 'inAll' || kind === 'replace';

/** Whether what is good of a result is worth keeping: it was taken, or something was done along with it. */
const keepsRest = ({ kind }: SpaceOperation): boolean =>
  kind === 'inAll' || kind === 'replace' || kind === 'renew';

function plainEntry({ sealed: _, ...entry }: Entry, tuple: PlainTuple): Entry {
  return { ...entry, tuple };
}

/** Of several entries those that are no good are left out; a single one that was done something with has no tuple. */
function withTuples(result: Result, tuples: ReadonlyMap<bigint, PlainTuple>, kind: string): Result {
  const opened = (entry: Entry): Entry =>
    entry.sealed === undefined ? entry : plainEntry(entry, tuples.get(entry.id) ?? noTuple);
  switch (result.kind) {
    case 'entry':
    case 'cas':
      return result.entry === null ? result : { ...result, entry: opened(result.entry) };
    case 'entries': {
      const good = result.entries.filter(({ id, sealed }) => sealed === undefined || tuples.has(id));
      return { kind: 'entries', entries: good.map(opened) };
    }
    default:
      throw new Error(`${kind} answers nothing sealed`);
  }
}
