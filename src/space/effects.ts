/** What an operation does to others: to those who wait, and to those who are told. As the ordering layer's Effects. */
import type { SessionId } from '../base/index.js';
import type { Result } from '../codec/index.js';

export interface Effects {
  /** Ends a wait. False: its session holds too much that has not arrived, and this result is dropped. */
  resolve(session: SessionId, number: number, result: Result): boolean;
  /** The subscription that this request began has more to tell, or has ended. */
  notify(session: SessionId, number: number): void;
}
