/**
 * Latencies, counted in HdrHistogram's buckets of whole microseconds with three significant digits, since a run has
 * millions of them. Histograms add up across processes without loss, and travel there in HdrHistogram's own encoding.
 * In plain JavaScript: no WebAssembly. Counters of 32 bits take 95 kB a histogram and 0.1 µs a latency; packed ones 0.8 µs.
 */
import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64 } from 'hdr-histogram-js';
import type { Histogram as Buckets } from 'hdr-histogram-js';

/** As it travels between processes: HdrHistogram's V2 encoding, compressed, in base64. */
export type HistogramRecord = string;

const bucketSize = 32;
/** An hour: nothing waits longer for an answer. */
const longestUs = 3_600_000_000;

export class Histogram {
  readonly #buckets: Buckets;

  static of(records: Iterable<HistogramRecord>): Histogram {
    const all = new Histogram();
    for (const record of records) all.merge(record);
    return all;
  }

  constructor() {
    this.#buckets = build({
      bitBucketSize: bucketSize,
      highestTrackableValue: longestUs,
      numberOfSignificantValueDigits: 3,
      useWebAssembly: false,
    });
  }

  get count(): number {
    return this.#buckets.totalCount;
  }

  get meanMs(): number {
    return this.count === 0 ? 0 : this.#buckets.mean / 1000;
  }

  get maxMs(): number {
    return this.#buckets.maxValue / 1000;
  }

  add(milliseconds: number): void {
    this.#buckets.recordValue(Math.min(longestUs, Math.max(0, Math.round(milliseconds * 1000))));
  }

  /** The latency in ms that `fraction` of the operations did not exceed; 0 when there were none. */
  quantileMs(fraction: number): number {
    return this.count === 0 ? 0 : this.#buckets.getValueAtPercentile(fraction * 100) / 1000;
  }

  toRecord(): HistogramRecord {
    return encodeIntoCompressedBase64(this.#buckets);
  }

  merge(record: HistogramRecord): void {
    this.#buckets.add(decodeFromCompressedBase64(record, bucketSize));
  }
}
