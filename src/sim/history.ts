/** What clients asked and were told, with virtual times: the material of the history checkers. */
import type { SessionId } from '../base/index.js';
import type { Operation } from '../codec/index.js';
import type { ToldFeed } from './checkers/event-streams.js';

export type HistoryOutcome =
  | { readonly kind: 'result'; readonly result: Uint8Array; readonly path: 'ordered' | 'fast' }
  /** It may or may not have been executed, before or after the client gave up. */
  | { readonly kind: 'unknown' }
  /** It was certainly not executed and never will be. */
  | { readonly kind: 'refused'; readonly code: string }
  | { readonly kind: 'unavailable' };

export interface RequestName {
  readonly session: SessionId;
  readonly number: number;
}

export interface HistoryEntry {
  /** The simulated client. */
  readonly client: number;
  /** 1, 2, 3, … within the client. */
  readonly index: number;
  readonly operation: Operation;
  readonly bytes: Uint8Array;
  readonly invokedUs: number;
  /** The numbers it was sent under; more than one only if the first certainly cannot execute any more. */
  readonly requests: RequestName[];
  /** Known to wait at the replicas, under this name. */
  waitsAs: RequestName | null;
  respondedUs: number | null;
  outcome: HistoryOutcome | null;
}

export class History {
  readonly #entries: HistoryEntry[] = [];
  /** What subscriptions were told. */
  readonly feeds: ToldFeed[] = [];
  readonly #perClient = new Map<number, number>();

  get entries(): readonly HistoryEntry[] {
    return this.#entries;
  }

  invoke(client: number, operation: Operation, bytes: Uint8Array, invokedUs: number): HistoryEntry {
    const index = (this.#perClient.get(client) ?? 0) + 1;
    this.#perClient.set(client, index);
    const entry: HistoryEntry = {
      client,
      index,
      operation,
      bytes,
      invokedUs,
      requests: [],
      waitsAs: null,
      respondedUs: null,
      outcome: null,
    };
    this.#entries.push(entry);
    return entry;
  }
}
