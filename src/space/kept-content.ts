/**
 * What stays in memory of an entry, in little room: a tuple without the room it grew with, its short byte strings cut from
 * shared slabs (an array of its own costs five times its content), one string for many that are equal, and one origin for the
 * entries of one owner in one space. Changes no value.
 */
import type { ClientName } from '../base/index.js';
import { Slabs, type Field, type Tuple } from '../codec/index.js';
import { openAccess, type Origin } from './stored-entry.js';

/** Small: one piece that stays holds all of its slab. */
const slabBytes = 1_024;
const pieceBytesMax = slabBytes / 8;
const sharedUnitsMax = 32;
/** Once there are more, sharing begins anew. */
const sharedMax = 4_096;

export class KeptContent {
  /** Of its own: what is only passing through would be held with what is kept. */
  readonly #slabs = new Slabs(slabBytes);
  readonly #texts = new Map<string, string>();
  readonly #origins = new Map<ClientName, Map<number, Origin>>();
  #originCount = 0;

  /** An equal tuple. */
  tuple(tuple: Tuple): Tuple {
    return tuple.map((field) => this.#field(field));
  }

  /** An equal origin. */
  origin(origin: Origin): Origin {
    const { space, access, sealed } = origin;
    const owner = this.#text(origin.owner);
    if (access !== openAccess || sealed !== null) return { space, owner, access, sealed };
    const known = this.#origins.get(owner)?.get(space);
    return known ?? this.#share({ space, owner, access, sealed });
  }

  #share(origin: Origin): Origin {
    if (this.#originCount >= sharedMax) {
      this.#origins.clear();
      this.#originCount = 0;
    }
    const { owner, space } = origin;
    let origins = this.#origins.get(owner);
    if (origins === undefined) this.#origins.set(owner, (origins = new Map()));
    origins.set(space, origin);
    this.#originCount++;
    return origin;
  }

  #field(field: Field): Field {
    if (typeof field === 'string') return field.length > sharedUnitsMax ? field : this.#text(field);
    return field instanceof Uint8Array ? this.#bytes(field) : field;
  }

  #text<T extends string>(text: T): T {
    const known = this.#texts.get(text);
    if (known !== undefined) return known as T;
    if (this.#texts.size >= sharedMax) this.#texts.clear();
    this.#texts.set(text, text);
    return text;
  }

  #bytes(bytes: Uint8Array): Uint8Array {
    if (bytes.length > pieceBytesMax) return bytes;
    const piece = this.#slabs.cut(bytes.length);
    piece.set(bytes);
    return piece;
  }
}
