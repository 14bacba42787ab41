/** Values that are dear to make, kept by key; the oldest is forgotten when there are too many. */
export class BoundedCache<T> {
  readonly #entriesMax: number;
  readonly #make: (key: string) => T | null;
  readonly #entries = new Map<string, T>();

  /** `make` is asked again each time for what it gives null. */
  constructor(entriesMax: number, make: (key: string) => T | null) {
    this.#entriesMax = entriesMax;
    this.#make = make;
  }

  get(key: string): T | null {
    const kept = this.#entries.get(key);
    if (kept !== undefined) return kept;
    const made = this.#make(key);
    if (made === null) return null;
    if (this.#entries.size >= this.#entriesMax) {
      for (const oldest of this.#entries.keys()) {
        this.#entries.delete(oldest);
        break;
      }
    }
    this.#entries.set(key, made);
    return made;
  }
}
