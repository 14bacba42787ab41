/**
 * What a writer knows of who has its commits (the SYNC rule of ReD): who is on record, whom each commit has to wait for, and what
 * to have put on record next. Pure. Who joins is required first and put on record then; who leaves goes off record first; a first
 * writer acknowledges nothing before it is on record itself. Must never require less than what is on record, or may yet be.
 */
import type { MemberId } from './messages.js';

export interface SyncRuleStart {
  /** Null: nobody has put anything on record yet. */
  readonly sync: readonly MemberId[] | null;
  readonly copiers: readonly MemberId[];
}

const nobody: ReadonlySet<MemberId> = new Set();

export class SyncRule {
  /** Who may be put on record: those that the coordinator has told of. */
  readonly copiers: Set<MemberId>;
  readonly #own: MemberId;
  /** Who is on record; null: nobody yet, so nothing may be acknowledged. */
  #sync: ReadonlySet<MemberId> | null;
  /** All of them have to have a commit before it is acknowledged. Invariant: those on record are among them. */
  #required: Set<MemberId>;
  /** To be put on record, and not asked for yet. */
  #wish: readonly MemberId[] | null;
  #isAsking = false;

  constructor(own: MemberId, { sync, copiers }: SyncRuleStart) {
    this.copiers = new Set(copiers);
    this.#own = own;
    this.#sync = sync === null ? null : new Set(sync);
    this.#required = new Set(sync ?? []);
    this.#wish = sync === null ? [own] : null;
  }

  /** Whether anything may be acknowledged at all. */
  get isOpen(): boolean {
    return this.#sync !== null;
  }

  get onRecord(): readonly MemberId[] {
    return [...(this.#sync ?? [])];
  }

  /** Whom a commit has to wait for, without the writer itself. */
  get required(): readonly MemberId[] {
    return [...this.#required].filter((id) => id !== this.#own);
  }

  isHeldBy(attached: ReadonlySet<MemberId>): boolean {
    return this.required.every((id) => attached.has(id));
  }

  /**
   * Whether somebody is to join, of those attached, or to leave: who is no copier any more, or is among `lost`. Who joins is
   * required from now on. Once each has what was acknowledged before, `takeWish` says what to ask for; else `withdraw`.
   */
  wants(attached: ReadonlySet<MemberId>, lost: ReadonlySet<MemberId> = nobody): boolean {
    const sync = this.#sync;
    if (this.#isAsking || sync === null) return false;
    const staying = [...sync].filter((id) => this.copiers.has(id) && !lost.has(id));
    const wished = [...new Set([this.#own, ...staying, ...attached])];
    if (wished.length === sync.size && wished.every((id) => sync.has(id))) return false;
    for (const id of attached) this.#required.add(id);
    this.#wish = wished;
    return true;
  }

  /** Null: there is nothing to ask for. */
  takeWish(): readonly MemberId[] | null {
    const wish = this.#wish;
    this.#wish = null;
    this.#isAsking ||= wish !== null;
    return wish;
  }

  /** It was not asked for, and whoever was to join is required no longer. */
  withdraw(): void {
    if (this.#isAsking || this.#sync === null) return;
    this.#wish = null;
    this.#required = new Set(this.#sync);
  }

  wasPutOnRecord(ids: readonly MemberId[]): void {
    this.#sync = new Set(ids);
    this.#required = new Set(ids);
    this.#isAsking = false;
  }
}
