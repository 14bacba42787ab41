/**
 * Those who wait for a match (`rd`, `in`), of all spaces: replicated state, in order of arrival, a page each. Counted
 * per client, found by space and tuple, by request, by session and by deadline, so that nobody's operation pays for
 * the waits of others. Must not decide who gets what: the space does.
 */
import {
  assert,
  clientName,
  sessionId,
  type ClientName,
  type HashFunction,
  type PageTree,
  type SessionId,
} from '../base/index.js';
import { decodeTemplate, decodeTuple, encodeTemplate, encodeTuple } from '../codec/index.js';
import type { Template, Tuple } from '../codec/index.js';
import { Deadlines } from './deadlines.js';
import { frame, unframe } from './framing.js';
import { refused, type Refused, type SpaceLimits } from './limits.js';
import { pageNumber } from './sections.js';
import { TemplateIndex } from './template-index.js';

export interface Waiter {
  /** Number of arrival over all spaces, at least 1. */
  readonly id: number;
  readonly kind: 'rd' | 'in';
  /** Number of the space. */
  readonly space: number;
  readonly client: ClientName;
  readonly session: SessionId;
  /** The request that waits. */
  readonly number: number;
  readonly template: Template;
  /** Canonical bytes of the template. */
  readonly templateBytes: Uint8Array;
  /** Ordered time at which it gives up; null: never. */
  deadline: number | null;
  deadlineSlot: number;
}

interface Share {
  count: number;
  bytes: number;
}

export class Waiters {
  readonly #tree: PageTree;
  readonly #hash: HashFunction;
  readonly #limits: SpaceLimits;
  readonly #bySpace = new Map<number, TemplateIndex<Waiter>>();
  /** Invariant: no set is empty. */
  readonly #inSpace = new Map<number, Set<Waiter>>();
  /** By session, then request number. Invariant: no inner map is empty. */
  readonly #bySession = new Map<SessionId, Map<number, Waiter>>();
  /** Invariant: no count is 0. */
  readonly #shares = new Map<ClientName, Share>();
  readonly #deadlines = new Deadlines<Waiter>();
  /** Added since the last flush and still here. */
  readonly #unwritten = new Set<Waiter>();
  #nextId = 1;

  constructor(tree: PageTree, hash: HashFunction, limits: SpaceLimits) {
    this.#tree = tree;
    this.#hash = hash;
    this.#limits = limits;
  }

  get nextId(): number {
    return this.#nextId;
  }

  /** The earliest deadline, or null. */
  get nextDeadline(): number | null {
    return this.#deadlines.nextDeadline;
  }

  /** Whether the client may have one more. */
  checkRoom(client: ClientName, templateBytes: Uint8Array): Refused | null {
    const { waitsPerClientMax, waitBytesPerClientMax } = this.#limits;
    const share = this.#shares.get(client) ?? { count: 0, bytes: 0 };
    const fits = share.bytes + templateBytes.length <= waitBytesPerClientMax;
    return share.count < waitsPerClientMax && fits ? null : refused('TOO_MANY_WAITS', waitsPerClientMax);
  }

  add(wait: Omit<Waiter, 'id' | 'deadlineSlot'>): void {
    const waiter: Waiter = { ...wait, id: this.#nextId++, deadlineSlot: -1 };
    this.#unwritten.add(waiter);
    this.#insert(waiter);
  }

  find(session: SessionId, number: number): Waiter | null {
    return this.#bySession.get(session)?.get(number) ?? null;
  }

  /** Those of a space, in order of arrival; of one client, if not null. */
  inSpace(space: number, client: ClientName | null): readonly Waiter[] {
    const all = [...(this.#inSpace.get(space) ?? [])];
    return client === null ? all : all.filter((waiter) => waiter.client === client);
  }

  countInSpace(space: number): number {
    return this.#inSpace.get(space)?.size ?? 0;
  }

  /** Those of a space whose template the tuple matches, in order of arrival. */
  matching(space: number, tuple: Tuple): Iterable<Waiter> {
    return this.#bySpace.get(space)?.matching(tuple) ?? [];
  }

  /** The first whose deadline is at most `time`. */
  firstDue(time: number): Waiter | null {
    return this.#deadlines.firstDue(time);
  }

  remove(waiter: Waiter): void {
    const { id, space, client, session, number, templateBytes, deadline } = waiter;
    const index = this.#bySpace.get(space)!;
    index.remove(waiter);
    if (index.size === 0) this.#bySpace.delete(space);
    const members = this.#inSpace.get(space)!;
    members.delete(waiter);
    if (members.size === 0) this.#inSpace.delete(space);
    const waits = this.#bySession.get(session)!;
    waits.delete(number);
    if (waits.size === 0) this.#bySession.delete(session);
    const share = this.#shares.get(client)!;
    share.bytes -= templateBytes.length;
    if (--share.count === 0) this.#shares.delete(client);
    if (deadline !== null) this.#deadlines.remove(waiter);
    if (!this.#unwritten.delete(waiter)) this.#tree.remove(pageNumber('waiters', id));
  }

  endSession(session: SessionId): void {
    for (const waiter of [...(this.#bySession.get(session)?.values() ?? [])]) this.remove(waiter);
  }

  /** Brings the page tree up to date. */
  flush(): void {
    for (const waiter of this.#unwritten)
      this.#tree.put(pageNumber('waiters', waiter.id), encodeWaiter(waiter));
    this.#unwritten.clear();
  }

  /** Takes over a page of a certified state that the page tree already holds; pages come in ascending order. */
  load(id: number, bytes: Uint8Array): void {
    const waiter = decodeWaiter(id, bytes);
    assert(waiter !== null, 'certified waits are well-formed');
    this.#insert(waiter);
  }

  /** Sets the counter of a certified state, after its pages have been loaded. */
  resumeAt(nextId: number): void {
    this.#nextId = nextId;
  }

  #insert(waiter: Waiter): void {
    const { space, client, session, number, templateBytes, deadline } = waiter;
    let index = this.#bySpace.get(space);
    if (index === undefined) this.#bySpace.set(space, (index = new TemplateIndex(this.#hash)));
    index.add(waiter);
    let members = this.#inSpace.get(space);
    if (members === undefined) this.#inSpace.set(space, (members = new Set()));
    members.add(waiter);
    let waits = this.#bySession.get(session);
    if (waits === undefined) this.#bySession.set(session, (waits = new Map()));
    assert(!waits.has(number), 'a request waits once');
    waits.set(number, waiter);
    let share = this.#shares.get(client);
    if (share === undefined) this.#shares.set(client, (share = { count: 0, bytes: 0 }));
    share.count += 1;
    share.bytes += templateBytes.length;
    if (deadline !== null) this.#deadlines.add(waiter);
  }
}

const never = -1;

function encodeWaiter(waiter: Waiter): Uint8Array {
  const { kind, space, client, session, number, templateBytes, deadline } = waiter;
  return frame([encodeTuple([kind, space, client, session, number, deadline ?? never]), templateBytes]);
}

function decodeWaiter(id: number, bytes: Uint8Array): Waiter | null {
  const [head, templateBytes] = unframe(bytes) ?? [];
  if (head === undefined || templateBytes === undefined) return null;
  const [kind, space, client, session, number, deadline] = decodeTuple(head) ?? [];
  if ((kind !== 'rd' && kind !== 'in') || typeof space !== 'number' || typeof client !== 'string')
    return null;
  if (typeof session !== 'number' || typeof number !== 'number' || typeof deadline !== 'number') return null;
  const template = decodeTemplate(templateBytes);
  if (template === null) return null;
  return {
    id,
    kind,
    space,
    client: clientName(client),
    session: sessionId(session),
    number,
    template,
    templateBytes: encodeTemplate(template),
    deadline: deadline === never ? null : deadline,
    deadlineSlot: -1,
  };
}
