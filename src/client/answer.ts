/** What the service says to a call. */
import type { Result } from '../codec/index.js';
import type { Shares } from './protocol.js';

export interface Answer {
  /** Never a refusal: that is an error. */
  readonly result: Result;
  readonly shares?: Shares;
}
