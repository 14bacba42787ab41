/**
 * What clients were told of their operations, and whether the entries that are there agree with it: nothing that was
 * acknowledged is missing, nothing is there twice, nothing comes back. Values are unique, so every entry has a history.
 */
import type { CasResult, Entry } from '../../src/client/index.js';

/** `own` entries are taken by their value, `pool` entries by whoever comes first. */
export type ItemKind = 'own' | 'pool';

/** `failed`: certainly not executed. */
export type Told = 'done' | 'unknown' | 'failed';

interface Item {
  readonly kind: ItemKind;
  inserted: Told;
  /** As acknowledged or seen. */
  id: bigint | null;
  taken: 'no' | 'unknown' | 'done';
}

interface Once {
  /** Tags that may have won, or have. */
  readonly candidates: Set<string>;
  winner: string | null;
}

export class Violation extends Error {}

const violation = (message: string): never => {
  throw new Violation(message);
};

export class Ledger {
  readonly #items = new Map<number, Item>();
  readonly #onces = new Map<number, Once>();
  /** Own values whose insertion is known and that nobody has tried to take. */
  readonly #untaken: number[] = [];
  #poolTakesUnknown = 0;
  #poolSize = 0;
  #nextValue = 0;
  #nextKey = 0;
  #listeners: { readonly at: number; readonly tell: () => void }[] = [];
  acknowledged = 0;
  unknown = 0;

  /** Resolves at the so-many-th acknowledgement from now. */
  after(count: number): Promise<void> {
    return new Promise((tell) => this.#listeners.push({ at: this.acknowledged + count, tell }));
  }

  #count(told: Told): void {
    if (told === 'unknown') this.unknown++;
    if (told !== 'done') return;
    this.acknowledged++;
    const due = this.#listeners.filter(({ at }) => at <= this.acknowledged);
    this.#listeners = this.#listeners.filter(({ at }) => at > this.acknowledged);
    for (const { tell } of due) tell();
  }

  get poolSize(): number {
    return this.#poolSize;
  }

  newValue(): number {
    return this.#nextValue++;
  }

  /** A value whose `out` was acknowledged, for one taker; null: there is none. */
  valueToTake(pick: (count: number) => number): number | null {
    const values = this.#untaken;
    if (values.length === 0) return null;
    const at = pick(values.length);
    const value = values[at]!;
    values[at] = values.at(-1)!;
    values.pop();
    return value;
  }

  /** One that several clients try at about the same time. */
  keyToClaim(isNew: boolean): number {
    return isNew ? this.#nextKey++ : Math.max(0, this.#nextKey - 1);
  }

  outEnded(kind: ItemKind, value: number, told: Told, entry: Entry | null): void {
    this.#count(told);
    const item = this.#items.get(value);
    if (item !== undefined) {
      // Somebody has taken it before its client heard of it.
      if (told === 'failed') violation(`${kind} ${value} was taken, and its out certainly not executed`);
      if (told === 'done' && item.id !== entry!.id) violation(`${kind} ${value} was inserted twice`);
      return;
    }
    this.#items.set(value, { kind, inserted: told, id: entry?.id ?? null, taken: 'no' });
    if (told !== 'done') return;
    if (kind === 'own') this.#untaken.push(value);
    else this.#poolSize++;
  }

  ownTakeEnded(value: number, told: Told, entry: Entry | null): void {
    this.#count(told);
    const item = this.#items.get(value)!;
    if (told === 'done') {
      if (entry === null)
        violation(`own ${value}, acknowledged as ${item.id}, was not found by its only taker`);
      if (entry!.id !== item.id) violation(`own ${value} is ${entry!.id}, acknowledged as ${item.id}`);
      item.taken = 'done';
    } else if (told === 'unknown') item.taken = 'unknown';
    else this.#untaken.push(value);
  }

  poolTakeEnded(told: Told, entry: Entry | null): void {
    this.#count(told);
    if (told === 'unknown') this.#poolTakesUnknown++;
    if (told !== 'done' || entry === null) return;
    const value = Number(entry.tuple[1]);
    const item = this.#items.get(value);
    if (item === undefined) {
      this.#items.set(value, { kind: 'pool', inserted: 'done', id: entry.id, taken: 'done' });
      return;
    }
    if (item.inserted === 'failed') violation(`pool ${value} was taken, and its out certainly not executed`);
    if (item.taken === 'done') violation(`pool ${value} was taken twice`);
    if (item.inserted === 'done') this.#poolSize--;
    Object.assign(item, { inserted: 'done', taken: 'done' } satisfies Partial<Item>);
  }

  claimBegan(key: number, tag: string): void {
    const once = this.#onces.get(key) ?? { candidates: new Set(), winner: null };
    this.#onces.set(key, once);
    once.candidates.add(tag);
  }

  claimEnded(key: number, tag: string, told: Told, result: CasResult | null): void {
    this.#count(told);
    const once = this.#onces.get(key)!;
    if (told === 'failed') once.candidates.delete(tag);
    if (told !== 'done') return;
    this.#won(key, once, String(result!.entry!.tuple[2]));
    if (result!.inserted !== (once.winner === tag)) violation(`cas ${key}: ${tag} was told the contrary`);
  }

  #won(key: number, once: Once, tag: string): void {
    if (once.winner !== null && once.winner !== tag)
      violation(`cas ${key} was won by ${once.winner} and ${tag}`);
    if (!once.candidates.has(tag)) violation(`cas ${key} was won by ${tag}, which did not try`);
    once.winner = tag;
  }

  /** All entries of kind `own` and `pool` that are there while nothing is under way. */
  checkItems(entries: readonly Entry[]): void {
    const there = new Map<number, Entry>();
    for (const entry of entries) {
      const [kind, value] = [String(entry.tuple[0]), Number(entry.tuple[1])];
      const item = this.#items.get(value);
      if (there.has(value)) violation(`${kind} ${value} is there twice`);
      if (item?.kind !== kind) violation(`${kind} ${value} is there, and nobody has inserted it`);
      if (item!.inserted === 'failed') violation(`${kind} ${value} is there, its out certainly not executed`);
      if (item!.taken === 'done') violation(`${kind} ${value} is there although it was taken`);
      if (item!.id !== null && item!.id !== entry.id) violation(`${kind} ${value} is another entry`);
      there.set(value, entry);
    }
    let poolMissing = 0;
    for (const [value, item] of this.#items) {
      const entry = there.get(value);
      if (entry !== undefined) this.#seen(value, item, entry);
      else if (item.inserted !== 'done' || item.taken !== 'no') continue;
      else if (item.kind === 'pool') poolMissing++;
      else violation(`own ${value}, acknowledged as ${item.id}, is missing`);
    }
    if (poolMissing > this.#poolTakesUnknown)
      violation(`${poolMissing} of the pool are missing, with ${this.#poolTakesUnknown} takes unknown`);
  }

  /** What was unknown is known now, and must stay. */
  #seen(value: number, item: Item, entry: Entry): void {
    if (item.inserted !== 'unknown') return;
    Object.assign(item, { inserted: 'done', id: entry.id } satisfies Partial<Item>);
    if (item.kind === 'own') this.#untaken.push(value);
    else this.#poolSize++;
  }

  checkOnces(entries: readonly Entry[]): void {
    const there = new Set<number>();
    for (const { tuple } of entries) {
      const key = Number(tuple[1]);
      if (there.has(key)) violation(`cas ${key} is there twice`);
      const once = this.#onces.get(key) ?? violation(`cas ${key} is there, and nobody has tried it`);
      this.#won(key, once, String(tuple[2]));
      there.add(key);
    }
    for (const [key, { winner }] of this.#onces)
      if (winner !== null && !there.has(key)) violation(`cas ${key}, won by ${winner}, is missing`);
  }
}
