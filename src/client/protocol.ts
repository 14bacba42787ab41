/**
 * Inputs and outputs of the client's state machine (core.ts): `core.step(input) → outputs`. Plain data;
 * the runtime (driver.ts) and the simulator carry the outputs out in the order given. An operation ends
 * in one of three ways: a result, a refusal, or not knowing (DESIGN section 8); "unavailable" is the case
 * of not knowing in which it is certain that nothing was executed.
 */
import type { ReplicaId, SessionId, ViewNumber } from '../base/index.js';
import type { ClientMessage, ServerMessage, SessionRefusal } from '../codec/index.js';

export type ClientInput =
  /** The client's monotonic clock, ms. The time of every input is that of the last tick. */
  | { readonly kind: 'tick'; readonly nowMs: number }
  /** The stream to this replica is up and it has welcomed this client in `view`. */
  | { readonly kind: 'connected'; readonly replica: ReplicaId; readonly view: ViewNumber }
  | { readonly kind: 'disconnected'; readonly replica: ReplicaId }
  /** f+1 replicas do not know this client, and no f+1 welcome it; or that is over. */
  | { readonly kind: 'refused'; readonly isRefused: boolean }
  /** From the authenticated stream to replica `from`. */
  | { readonly kind: 'message'; readonly from: ReplicaId; readonly message: ServerMessage }
  | {
      readonly kind: 'call';
      /** Never used before. */
      readonly callId: number;
      readonly operation: CallOperation;
      /** Whether replicas may answer it without ordering (rdp, rdAll, count); then it is not bound to a request. */
      readonly isFastRead: boolean;
      /** Whether the operation may wait at the replicas, so that its outcome comes late. */
      readonly mayWait: boolean;
      /** On the clock of `tick`; then the call ends, whatever is known, unless it waits. */
      readonly deadlineMs: number;
    }
  /**
   * Begins to follow the feed that an earlier call of this client opened; `request` and `after` (the sequence number
   * before the first one wanted) are of its outcome. `feedId` was never used before.
   */
  | {
      readonly kind: 'follow';
      readonly feedId: number;
      readonly request: RequestName;
      readonly after: number;
    }
  /** The user has done with the feed's events up to here, so that more may come. */
  | { readonly kind: 'consumed'; readonly feedId: number; readonly sequence: number }
  | { readonly kind: 'unfollow'; readonly feedId: number }
  /** The replica has been caught lying: others are asked before it. */
  | { readonly kind: 'distrust'; readonly replica: ReplicaId }
  /** Ends the call at once, if it is still open: `unavailable` if nothing was sent, else `unknown`. */
  | {
      readonly kind: 'cancel';
      readonly callId: number;
      /** Only if no replica was sent it. */
      readonly onlyUnsent?: boolean;
    }
  /** End of the turn: what became ready at the same moment goes into one envelope. */
  | { readonly kind: 'flush' };

/** The request under which replicas know an operation. */
export interface RequestName {
  readonly session: SessionId;
  readonly number: number;
}

/** An operation that says under which request it is made: its bytes come once that is known. */
export interface BoundOperation {
  /** Of the bytes, whatever the request. */
  readonly length: number;
  /** Called again for another request only if none was executed under the one before. */
  encode(request: RequestName): Uint8Array;
}

/** Encoded; at most `operationBytesMax`. */
export type CallOperation = Uint8Array | BoundOperation;

/** By replica: its own shares of what is confidential in a result or event; not voted on, and not believed. */
export type Shares = ReadonlyMap<ReplicaId, Uint8Array>;

/** As it stands in outputs: left out where there are none. */
export const sharesPart = (shares: Shares | undefined): { readonly shares?: Shares } =>
  shares === undefined || shares.size === 0 ? {} : { shares };

/** The client or its OPEN was refused by f+1 replicas, or the operation by the session rules. */
export type CallRefusal = SessionRefusal | 'TOO_MANY_SESSIONS' | 'UNKNOWN_CLIENT' | 'DISK_FULL';

export type CallOutcome =
  /** What f+1 replicas (a quorum for a fast read, or where shares come along) answered alike. */
  | { readonly kind: 'result'; readonly result: Uint8Array; readonly shares?: Shares }
  /** Certainly not executed. */
  | { readonly kind: 'refused'; readonly code: CallRefusal }
  /** It was sent; it may have been executed, may be later, or never. `isRefused`: f+1 replicas ceased to know the client. */
  | { readonly kind: 'unknown'; readonly isRefused?: true }
  /** Certainly not executed, now or later. */
  | { readonly kind: 'unavailable' };

export type ClientOutput =
  | { readonly kind: 'send'; readonly to: ReplicaId; readonly message: ClientMessage }
  /** Exactly one for each call. `request`: what f+1 replicas answered it under; null for every other outcome. */
  | {
      readonly kind: 'done';
      readonly callId: number;
      readonly outcome: CallOutcome;
      readonly request: RequestName | null;
    }
  /**
   * The operation waits at the replicas (f+1 say so): from now on the call has no deadline. It ends with the late
   * outcome, or unknown once its session can no longer be trusted to live. At most one for each call, and it may come
   * after `done` for a call that was given up: then something waits at the replicas for nobody.
   */
  | { readonly kind: 'waiting'; readonly callId: number; readonly request: RequestName }
  /**
   * An event of the feed that f+1 replicas (a quorum, where shares come along) told alike; in order, none left out or
   * repeated.
   */
  | {
      readonly kind: 'feedEvent';
      readonly feedId: number;
      readonly sequence: number;
      readonly data: Uint8Array;
      readonly shares?: Shares;
    }
  /**
   * The feed has come to its end after `after`: its session is over, or f+1 replicas do not hold all that comes next.
   * Exactly one for each feed that is not unfollowed.
   */
  | { readonly kind: 'feedEnded'; readonly feedId: number; readonly after: number; readonly cause: FeedEnd };

export type FeedEnd = 'session' | 'truncated';

/** Collects a step's outputs in order. */
export class Outbox {
  #outputs: ClientOutput[] = [];

  send(to: ReplicaId, message: ClientMessage): void {
    this.#outputs.push({ kind: 'send', to, message });
  }

  done(callId: number, outcome: CallOutcome, request: RequestName | null): void {
    this.#outputs.push({ kind: 'done', callId, outcome, request });
  }

  waiting(callId: number, request: RequestName): void {
    this.#outputs.push({ kind: 'waiting', callId, request });
  }

  feedEvent(feedId: number, sequence: number, data: Uint8Array, shares: Shares): void {
    this.#outputs.push({ kind: 'feedEvent', feedId, sequence, data, ...sharesPart(shares) });
  }

  feedEnded(feedId: number, after: number, cause: FeedEnd): void {
    this.#outputs.push({ kind: 'feedEnded', feedId, after, cause });
  }

  take(): readonly ClientOutput[] {
    const outputs = this.#outputs;
    if (outputs.length > 0) this.#outputs = [];
    return outputs;
  }
}
