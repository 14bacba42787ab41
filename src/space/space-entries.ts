/**
 * The entries of one space with what finds them: by template, by deadline, by who inserted them; counted against the
 * quotas. Must not know who waits or is told, nor which operation asks.
 */
import { assert, type ClientName } from '../base/index.js';
import type { Access, Template } from '../codec/index.js';
import type { Deadlines } from './deadlines.js';
import type { EntryPages } from './entry-pages.js';
import { EntrySet } from './entry-set.js';
import { refused, type Refused, type SpaceLimits } from './limits.js';
import { Lookups } from './lookups.js';
import type { MatchIndex } from './match-index.js';
import { matches } from './matching.js';
import { ResultEntries } from './result-size.js';
import type { StoredEntry } from './stored-entry.js';
import { Usage, type Content, type SpaceQuotas } from './usage.js';
import { mayRead, type Viewer } from './visibility.js';

/** With more deadlines close ahead than this, nobody looks at each of them for the sake of one read. */
const closeDeadlinesMax = 1_000;

/** What all spaces share of their entries. */
export interface SharedEntries {
  readonly limits: SpaceLimits;
  readonly pages: EntryPages;
  readonly leases: Deadlines<StoredEntry>;
}

export class SpaceEntries {
  /** For policies. */
  readonly lookups: Lookups;
  readonly #space: number;
  readonly #limits: SpaceLimits;
  readonly #pages: EntryPages;
  /** Invariant: of this space's entries, it holds exactly the timed ones. */
  readonly #leases: Deadlines<StoredEntry>;
  /** Invariant: holds exactly the entries of `#pages` that lie in this space. */
  readonly #index: MatchIndex;
  /** The timed entries by who inserted them. Invariant: no set is empty. */
  readonly #timed = new Map<ClientName, EntrySet>();
  readonly #usage: Usage;
  /** Entries that not everybody may read. */
  #hiddenCount = 0;

  constructor(space: number, shared: SharedEntries, index: MatchIndex, quotas: SpaceQuotas) {
    this.lookups = new Lookups(index);
    this.#space = space;
    this.#limits = shared.limits;
    this.#pages = shared.pages;
    this.#leases = shared.leases;
    this.#index = index;
    this.#usage = new Usage(shared.limits.entriesPerSpaceMax, quotas);
  }

  get size(): number {
    return this.#usage.entries;
  }

  /** Of canonical tuples and what is sealed; null: not counted. */
  get bytes(): number | null {
    return this.#usage.bytes;
  }

  /** Whether the owner may insert the content once `leaving` is gone. */
  checkRoom(content: Content, owner: ClientName, leaving: StoredEntry | null): Refused | null {
    return this.#usage.checkRoom(content, owner, leaving);
  }

  /** The entry of this id, or null. */
  find(id: number): StoredEntry | null {
    const entry = this.#pages.find(id);
    return entry?.space === this.#space ? entry : null;
  }

  /** Takes over an entry of a certified state; entries come in ascending order of id. */
  load(entry: StoredEntry): void {
    this.#add(entry);
  }

  /** There must be room. */
  insert(
    { tuple, sealed }: Content,
    owner: ClientName,
    deadline: number | null,
    access: Access,
  ): StoredEntry {
    const entry = this.#pages.insert(this.#space, tuple, owner, deadline, access, sealed);
    this.#add(entry);
    return entry;
  }

  remove(entry: StoredEntry): void {
    this.#pages.remove(entry);
    this.#index.remove(entry);
    this.#usage.remove(entry);
    if (entry.access.readers !== undefined) this.#hiddenCount--;
    if (entry.deadline !== null) this.#removeTimed(entry);
  }

  removeAll(): void {
    this.#pages.changeMany(() => {
      for (const entry of this.#index.all()) this.remove(entry);
    });
  }

  /** The entry must be timed. */
  renew(entry: StoredEntry, deadline: number): void {
    this.#leases.renew(entry, deadline);
    this.#pages.onRenewal(entry);
  }

  /** The oldest match that suits. */
  oldest(template: Template, suits: (entry: StoredEntry) => boolean): StoredEntry | null {
    const { cursor, isExact } = this.#index.candidates(template, 0);
    for (; cursor.entry !== null; cursor.advance()) {
      const { entry } = cursor;
      if ((isExact || matches(template, entry.tuple)) && suits(entry)) return entry;
    }
    return null;
  }

  /** The oldest match that is timed and the owner's. Looks only at his timed entries or at the candidates, whichever are fewer. */
  oldestRenewable(template: Template, owner: ClientName): StoredEntry | null {
    const own = this.#timed.get(owner);
    if (own === undefined) return null;
    const candidates = this.#index.candidates(template, 0);
    const cursor = own.size < candidates.size ? own.cursor(0) : candidates.cursor;
    for (; cursor.entry !== null; cursor.advance()) {
      const { entry } = cursor;
      if (entry.deadline !== null && entry.owner === owner && matches(template, entry.tuple)) return entry;
    }
    return null;
  }

  /** The first `limit` matches (0 = all) with an id greater than `after` that suit, if they fit into a result. */
  matching(
    template: Template,
    limit: number,
    after: bigint,
    suits: (entry: StoredEntry) => boolean,
  ): StoredEntry[] | Refused {
    const { cursor, isExact } = this.#index.candidates(template, Number(after));
    const result = new ResultEntries(this.#limits.resultBytesMax);
    const countMax = limit === 0 ? Number.POSITIVE_INFINITY : limit;
    for (; cursor.entry !== null && result.entries.length < countMax; cursor.advance()) {
      if (!isExact && !matches(template, cursor.entry.tuple)) continue;
      if (suits(cursor.entry) && !result.add(cursor.entry))
        return refused('RESULT_TOO_LARGE', result.entries.length);
    }
    return result.entries;
  }

  /** How many matches the viewer may read. */
  count(template: Template, viewer: Viewer): number {
    const { cursor, size, isExact } = this.#index.candidates(template, 0);
    if (isExact && this.#hiddenCount === 0) return size;
    let count = 0;
    for (; cursor.entry !== null; cursor.advance()) {
      const { tuple, access } = cursor.entry;
      if ((isExact || matches(template, tuple)) && mayRead(access, viewer)) count++;
    }
    return count;
  }

  /**
   * False only if no match (null: nothing at all) is gone once ordered time is `time`; true too if that takes long to
   * tell.
   */
  mayLoseMatches(template: Template | null, time: number): boolean {
    const due = this.#leases.dueBy(time, closeDeadlinesMax);
    if (due.length > closeDeadlinesMax) return true;
    const concerns = ({ space, tuple }: StoredEntry): boolean =>
      space === this.#space && (template === null || matches(template, tuple));
    return due.some(concerns);
  }

  #add(entry: StoredEntry): void {
    this.#index.add(entry);
    this.#usage.add(entry);
    if (entry.access.readers !== undefined) this.#hiddenCount++;
    if (entry.deadline === null) return;
    this.#leases.add(entry);
    let own = this.#timed.get(entry.owner);
    if (own === undefined) this.#timed.set(entry.owner, (own = new EntrySet()));
    own.add(entry);
  }

  #removeTimed(entry: StoredEntry): void {
    this.#leases.remove(entry);
    const own = this.#timed.get(entry.owner);
    assert(own !== undefined, "a timed entry is among its owner's");
    own.remove(entry);
    if (own.size === 0) this.#timed.delete(entry.owner);
  }
}
