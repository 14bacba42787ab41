/**
 * How many entries fit into a result (DESIGN section 4). Sizes are those of `encodeResult`, counted without
 * encoding the result: every entry with its tag and length, the list of them with its own, the mark of what is sealed.
 */
import { encodeEntry } from '../codec/index.js';
import { publicEntry, type StoredEntry } from './stored-entry.js';

/** Bytes of a length-delimited protobuf field with a one-byte tag. */
function framedBytes(length: number): number {
  let bytes = 2 + length;
  for (let rest = length; rest >= 128; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}

const sealedMarkBytes = 2;

/** Collects entries for one result. */
export class ResultEntries {
  readonly entries: StoredEntry[] = [];
  readonly #bytesMax: number;
  #listBytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** False, and the entry is left out, if the result would become too large. */
  add(entry: StoredEntry): boolean {
    const listBytes = this.#listBytes + framedBytes(encodeEntry(publicEntry(entry)).length);
    const markBytes = entry.sealed === null ? 0 : sealedMarkBytes;
    if (framedBytes(listBytes) + markBytes > this.#bytesMax) return false;
    this.#listBytes = listBytes;
    this.entries.push(entry);
    return true;
  }
}
