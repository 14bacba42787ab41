/** What the benchmark and its load generator, a process of its own, tell each other. */
import type { HistogramRecord } from './histogram.js';
import type { LoadName, OperationName } from './loads.js';

/** Which service is asked, and how it is reached. */
export type TargetPlace =
  | { readonly kind: 'theodora'; readonly clusterFile: string; readonly identities: readonly string[] }
  | { readonly kind: 'etcd' | 'zookeeper'; readonly addresses: readonly string[] };

export interface LoadPlan {
  readonly target: TargetPlace;
  readonly load: LoadName;
  /** Of a tuple, roughly. */
  readonly payloadBytes: number;
  /** Workers share identities or connections evenly; in a closed loop each has one operation under way. */
  readonly concurrency: number;
  /** Contents follow from a worker's number: those of different runs on one cluster begin at different ones. */
  readonly firstWorker: number;
  /** Whether what reads find is still to be inserted. */
  readonly prepares: boolean;
  /** Operations that begin each second, answered or not; null: one whenever one is done. */
  readonly ratePerSecond: number | null;
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** Length of the parts of which figures are wanted one by one, or null. */
  readonly intervalMs: number | null;
  /** Deadline of one operation. */
  readonly timeoutMs: number;
  /** Identity that connects after the primary was killed, or null. */
  readonly lateIdentity: string | null;
}

/** A part of the time measured. */
export interface Interval {
  readonly completed: number;
  readonly latencies: HistogramRecord;
}

export interface LoadResult {
  readonly elapsedMs: number;
  /**
   * Of the operations that completed while measured; in an open loop of those that should have begun while measured,
   * whenever they were answered.
   */
  readonly latencies: Readonly<Record<string, HistogramRecord>>;
  /** Operations that completed while measured. */
  readonly completed: number;
  /** Operations that were answered from the first to the last, the warm-up included. */
  readonly acknowledged: Readonly<Partial<Record<OperationName, number>>>;
  readonly intervals: readonly Interval[];
  readonly longestGapMs: number;
  /** Of the client that connected after the kill, from its first attempt on; null if there was none. */
  readonly lateGapMs: number | null;
  /** Failed operations by error code. */
  readonly errors: Readonly<Record<string, number>>;
}

/** Clients that come and go: each connects, does some operations and closes. */
export interface ChurnPlan {
  readonly clusterFile: string;
  /** Each client is another one of these, in turn. */
  readonly identities: readonly string[];
  readonly clientsPerSecond: number;
  readonly operationsPerClient: number;
  readonly timeoutMs: number;
}

export interface ChurnResult {
  readonly clients: number;
  readonly operations: number;
  /** From the start of connecting to the first answer. */
  readonly firstAnswer: HistogramRecord;
  readonly errors: Readonly<Record<string, number>>;
}

/** To the load generator. */
export type Command =
  | { readonly kind: 'run'; readonly plan: LoadPlan }
  | { readonly kind: 'churn'; readonly plan: ChurnPlan }
  | { readonly kind: 'killed' }
  | { readonly kind: 'stop' };

/** From the load generator. */
export type Report =
  | { readonly kind: 'measuring'; readonly primary: number }
  | { readonly kind: 'result'; readonly result: LoadResult }
  | { readonly kind: 'churned'; readonly result: ChurnResult }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };
