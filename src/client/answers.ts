/** What comes back from the service, as far as the client's parts hand it on. */
import type { EventKind, Result } from '../codec/index.js';
import type { Shares } from './protocol.js';

export interface Answer {
  /** Never a refusal: that is an error. */
  readonly result: Result;
  readonly shares?: Shares;
}

/** What happened to an entry. */
export interface SpaceEvent<Entry> {
  /** `replaced`: a `replace` took it; what that put in its place is the next event, `inserted`. */
  readonly kind: EventKind;
  /** 1, 2, 3, … within the space; with gaps, since other entries have their events too. */
  readonly sequence: number;
  readonly entry: Entry;
}

/** Null: an event that is not told. */
export type ToldEvent<Entry> = SpaceEvent<Entry> | Promise<SpaceEvent<Entry> | null>;
