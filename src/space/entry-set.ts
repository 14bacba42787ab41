/**
 * A set of entries in order of insertion id. Ids only grow, so adding is appending; the entries lie in
 * chunks, so that removing one moves at most a chunk and the directory of chunks, whatever the size and
 * wherever it lies. (Map and Set of the language keep removed slots at the front, which makes "the oldest"
 * linear in what was taken before.) Must not be changed while a cursor is in use.
 */
import { assert } from '../base/index.js';
import type { StoredEntry } from './stored-entry.js';

const chunkEntriesMax = 128;
/** A chunk that shrinks below this is joined with a neighbour if both fit well. */
const chunkEntriesMin = 32;
const joinedEntriesMax = 96;

/** Walks entries in ascending order of id; `entry` is null behind the last, and stays so. */
export interface Cursor {
  readonly entry: StoredEntry | null;
  advance(): void;
}

export const emptyCursor: Cursor = { entry: null, advance: () => undefined };

/** Walks chunks from a position on. Invariant: no chunk is empty. */
export class ChunkCursor implements Cursor {
  entry: StoredEntry | null;
  readonly #chunks: readonly (readonly StoredEntry[])[];
  #chunk: number;
  #index: number;

  constructor(chunks: readonly (readonly StoredEntry[])[], chunk: number, after: number) {
    this.#chunks = chunks;
    this.#chunk = chunk;
    this.#index = 0;
    this.entry = chunks[chunk]?.[0] ?? null;
    while (this.entry !== null && this.entry.id <= after) this.advance();
  }

  advance(): void {
    if (this.entry === null) return;
    this.#index++;
    if (this.#index === this.#chunks[this.#chunk]!.length) {
      this.#chunk++;
      this.#index = 0;
    }
    this.entry = this.#chunks[this.#chunk]?.[this.#index] ?? null;
  }
}

export class EntrySet {
  #size = 0;
  /** Invariant: every chunk has 1 … chunkEntriesMax entries; ids ascend within and across chunks. */
  readonly #chunks: StoredEntry[][] = [];
  /** Invariant: ids in chunk c are ≥ lowerBounds[c] and < lowerBounds[c + 1]. */
  readonly #lowerBounds: number[] = [];

  get size(): number {
    return this.#size;
  }

  /** The id must be greater than every id in the set. */
  add(entry: StoredEntry): void {
    const last = this.#chunks.length - 1;
    const chunk = this.#chunks[last];
    this.#size++;
    if (chunk !== undefined && chunk.length < chunkEntriesMax) {
      chunk.push(entry);
      return;
    }
    // A full chunk only shrinks from here on: give back the room it grew with.
    if (chunk !== undefined) this.#chunks[last] = chunk.slice();
    this.#chunks.push([entry]);
    this.#lowerBounds.push(entry.id);
  }

  /** The entry must be in the set. */
  remove(entry: StoredEntry): void {
    const c = this.#chunkOf(entry.id);
    const chunk = this.#chunks[c];
    const index = chunk === undefined ? -1 : chunk.indexOf(entry);
    assert(index >= 0, 'a removed entry was in the set');
    this.#size--;
    chunk!.splice(index, 1);
    if (chunk!.length === 0) this.#dropChunk(c);
    else if (chunk!.length < chunkEntriesMin && !this.#join(c - 1)) this.#join(c);
  }

  cursor(after: number): Cursor {
    return new ChunkCursor(this.#chunks, after === 0 ? 0 : Math.max(0, this.#chunkOf(after)), after);
  }

  /** The last chunk whose lower bound is at most `id`; −1 if there is none. */
  #chunkOf(id: number): number {
    let low = 0;
    let high = this.#lowerBounds.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#lowerBounds[middle]! <= id) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #dropChunk(c: number): void {
    this.#chunks.splice(c, 1);
    this.#lowerBounds.splice(c, 1);
  }

  /** Joins chunk c and the next; false if one is missing or they are too long together. */
  #join(c: number): boolean {
    const [left, right] = [this.#chunks[c], this.#chunks[c + 1]];
    if (left === undefined || right === undefined || left.length + right.length > joinedEntriesMax)
      return false;
    this.#chunks[c] = left.concat(right);
    this.#dropChunk(c + 1);
    return true;
  }
}
