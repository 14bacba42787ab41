/** What the benchmark and its load generator, a process of its own, tell each other. */
import type { LatencyRecord } from './latencies.js';
import type { OperationName, ScenarioName } from './scenarios.js';

export interface LoadPlan {
  readonly clusterFile: string;
  readonly scenario: ScenarioName;
  /** Client identities; the workers share them evenly. */
  readonly identities: readonly string[];
  /** Workers, each with one operation under way. */
  readonly concurrency: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** Deadline of one operation. */
  readonly timeoutMs: number;
  /** Identity that connects after the primary was killed, or null. */
  readonly lateIdentity: string | null;
}

export interface LoadResult {
  readonly elapsedMs: number;
  /** Latencies of the operations that completed while measured. */
  readonly latencies: Readonly<Partial<Record<OperationName, LatencyRecord>>>;
  /** Operations that were answered from the first to the last, the warm-up included. */
  readonly acknowledged: Readonly<Partial<Record<OperationName, number>>>;
  readonly longestGapMs: number;
  /** Of the client that connected after the kill, from its first attempt on; null if there was none. */
  readonly lateGapMs: number | null;
  /** Failed operations by error code. */
  readonly errors: Readonly<Record<string, number>>;
}

/** To the load generator. */
export type Command = { readonly kind: 'run'; readonly plan: LoadPlan } | { readonly kind: 'killed' };

/** From the load generator. */
export type Report =
  | { readonly kind: 'connected' }
  | { readonly kind: 'measuring'; readonly primary: number }
  | { readonly kind: 'result'; readonly result: LoadResult }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };
