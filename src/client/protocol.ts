/**
 * Inputs and outputs of the client's state machine (core.ts): `core.step(input) → outputs`. Plain data;
 * the runtime (driver.ts) and the simulator carry the outputs out in the order given. An operation ends
 * in one of three ways: a result, a refusal, or not knowing (DESIGN section 8); "unavailable" is the case
 * of not knowing in which it is certain that nothing was executed.
 */
import type { ReplicaId, ViewNumber } from '../base/index.js';
import type { ClientMessage, ServerMessage, SessionRefusal } from '../codec/index.js';

export type ClientInput =
  /** The client's monotonic clock, ms. The time of every input is that of the last tick. */
  | { readonly kind: 'tick'; readonly nowMs: number }
  /** The stream to this replica is up and it has welcomed this client in `view`. */
  | { readonly kind: 'connected'; readonly replica: ReplicaId; readonly view: ViewNumber }
  | { readonly kind: 'disconnected'; readonly replica: ReplicaId }
  /** From the authenticated stream to replica `from`. */
  | { readonly kind: 'message'; readonly from: ReplicaId; readonly message: ServerMessage }
  | {
      readonly kind: 'call';
      /** Never used before. */
      readonly callId: number;
      /** Encoded; at most `operationBytesMax`. */
      readonly operation: Uint8Array;
      /** Whether replicas may answer it without ordering (rdp, rdAll, count). */
      readonly isFastRead: boolean;
      /** On the clock of `tick`; then the call ends, whatever is known. */
      readonly deadlineMs: number;
    }
  /** Ends the call at once, if it is still open: `unavailable` if nothing was sent, else `unknown`. */
  | { readonly kind: 'cancel'; readonly callId: number }
  /** End of the turn: what became ready at the same moment goes into one envelope. */
  | { readonly kind: 'flush' };

/** OPEN was refused by f+1 replicas, or the operation by the session rules. */
export type CallRefusal = SessionRefusal | 'TOO_MANY_SESSIONS';

export type CallOutcome =
  /** What f+1 replicas (a quorum for a fast read) answered alike. */
  | { readonly kind: 'result'; readonly result: Uint8Array }
  /** Certainly not executed. */
  | { readonly kind: 'refused'; readonly code: CallRefusal }
  /** It was sent; it may have been executed, may be later, or never. */
  | { readonly kind: 'unknown' }
  /** Certainly not executed, now or later. */
  | { readonly kind: 'unavailable' };

export type ClientOutput =
  | { readonly kind: 'send'; readonly to: ReplicaId; readonly message: ClientMessage }
  /** Exactly one for each call. */
  | { readonly kind: 'done'; readonly callId: number; readonly outcome: CallOutcome };

/** Collects a step's outputs in order. */
export class Outbox {
  #outputs: ClientOutput[] = [];

  send(to: ReplicaId, message: ClientMessage): void {
    this.#outputs.push({ kind: 'send', to, message });
  }

  done(callId: number, outcome: CallOutcome): void {
    this.#outputs.push({ kind: 'done', callId, outcome });
  }

  take(): readonly ClientOutput[] {
    const outputs = this.#outputs;
    if (outputs.length > 0) this.#outputs = [];
    return outputs;
  }
}
