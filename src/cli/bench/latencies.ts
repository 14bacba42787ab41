/**
 * Latencies in logarithmic buckets of whole microseconds (as in HdrHistogram: exact below 128 µs, above that
 * 64 buckets an octave, so a quantile is at most 1.6 % too high), since a run has millions of them. Adds up
 * across processes without loss. Load is a closed loop: a stalled service is asked less, so a quantile
 * alone flatters it; the longest gap is measured beside it.
 */
const exactBelowUs = 128;
const bucketsPerOctave = 64;
const octaves = 32;

/** As it travels between processes: pairs of bucket and count. */
export interface LatencyRecord {
  readonly counts: readonly (readonly [number, number])[];
  readonly sumUs: number;
  readonly maxUs: number;
}

function bucketOf(us: number): number {
  if (us < exactBelowUs) return us;
  const octave = Math.floor(Math.log2(us)) - 6;
  return octave * bucketsPerOctave + Math.floor(us / 2 ** octave);
}

/** The largest value that falls into a bucket. */
function upperEdgeUs(bucket: number): number {
  if (bucket < exactBelowUs) return bucket;
  const octave = Math.floor(bucket / bucketsPerOctave) - 1;
  return (bucketsPerOctave + (bucket % bucketsPerOctave) + 1) * 2 ** octave - 1;
}

export class Latencies {
  readonly #counts = new Float64Array(bucketsPerOctave * (octaves + 2));
  #count = 0;
  #sumUs = 0;
  #maxUs = 0;

  get count(): number {
    return this.#count;
  }

  get meanMs(): number {
    return this.#count === 0 ? 0 : this.#sumUs / this.#count / 1000;
  }

  get maxMs(): number {
    return this.#maxUs / 1000;
  }

  add(milliseconds: number): void {
    const us = Math.max(0, Math.round(milliseconds * 1000));
    this.#counts[Math.min(bucketOf(us), this.#counts.length - 1)]! += 1;
    this.#count += 1;
    this.#sumUs += us;
    this.#maxUs = Math.max(this.#maxUs, us);
  }

  /** The latency in ms that `fraction` of the operations did not exceed; 0 when there were none. */
  quantileMs(fraction: number): number {
    let left = Math.max(1, Math.ceil(fraction * this.#count));
    for (let bucket = 0; bucket < this.#counts.length; bucket++) {
      left -= this.#counts[bucket]!;
      if (left <= 0) return Math.min(upperEdgeUs(bucket), this.#maxUs) / 1000;
    }
    return this.#maxUs / 1000;
  }

  toRecord(): LatencyRecord {
    const counts = [...this.#counts].flatMap((count, bucket) =>
      count > 0 ? [[bucket, count] as const] : [],
    );
    return { counts, sumUs: this.#sumUs, maxUs: this.#maxUs };
  }

  merge(record: LatencyRecord): void {
    for (const [bucket, count] of record.counts) {
      this.#counts[bucket]! += count;
      this.#count += count;
    }
    this.#sumUs += record.sumUs;
    this.#maxUs = Math.max(this.#maxUs, record.maxUs);
  }
}
