/**
 * Settings of the client protocol and the numbers that follow from them. Times in ms, sizes in bytes. The
 * session's lease and the clock skew must be those of the cluster, since what the client may believe about
 * a session follows from them.
 */
import { certainMs } from './lease-rule.js';

export interface ClientSettings {
  /** An envelope unanswered for this long goes to every replica; then again at doubling intervals. */
  readonly retransmitMs: number;
  readonly retransmitMaxMs: number;
  /**
   * Of a session that is in steady use, an envelope once in so long goes to every replica at once, so that the backups
   * see how long the primary takes when it cannot know that they do.
   */
  readonly tellAllMs: number;
  /** A fast read undecided for this long is asked of the remaining replicas too. */
  readonly fastReadHedgeMs: number;
  /** A fast read undecided for this long is ordered. */
  readonly fastReadTimeoutMs: number;
  readonly sessionLeaseMs: number;
  /** A session that is never used ends after this. */
  readonly sessionUnusedMs: number;
  readonly clockSkewMaxMs: number;
  /** Request numbers of a session from the lowest unanswered one on. */
  readonly sessionNumbersMax: number;
  readonly envelopeOperationsMax: number;
  /** Operations beyond this go into the next envelope; a single larger one has an envelope to itself. */
  readonly envelopeBytesMax: number;
  /**
   * Undecided outcomes kept per session and replica. A correct one never has more than 4 MiB and one result, and
   * as much again that comes late; a late one that is not kept would not come again.
   */
  readonly heldBytesMax: number;
}

export const defaultClientSettings: ClientSettings = {
  retransmitMs: 300,
  retransmitMaxMs: 2_000,
  tellAllMs: 500,
  fastReadHedgeMs: 20,
  fastReadTimeoutMs: 150,
  sessionLeaseMs: 30_000,
  sessionUnusedMs: 60_000,
  clockSkewMaxMs: 500,
  sessionNumbersMax: 1_024,
  envelopeOperationsMax: 512,
  envelopeBytesMax: 1 << 20,
  heldBytesMax: 12 << 20,
};

/** Largest encoded operation: what an envelope of 2 MiB holds beside its own fields and signature. */
export const operationBytesMax = (2 << 20) - 1024;

/** Part of a session's time after which it is given up unused, so that what is sent in it still arrives. */
export const trustedPart = (ms: number): number => Math.floor((ms * 2) / 3);

/**
 * For how long after the first sending of an envelope that gets executed its session certainly has not
 * ended: the lease in ordered time, less what ordered time may be off at both ends, less drift.
 *
 * An executed envelope was in a batch that a correct replica accepted as fresh after the envelope was
 * sent, so it renewed the lease at an ordered time ≥ (time of sending) − clockSkewMax − ε; and ordered
 * time never runs ahead of a correct replica's clock by more than clockSkewMax.
 */
export function certainLeaseMs({ sessionLeaseMs, clockSkewMaxMs }: ClientSettings): number {
  return certainMs(sessionLeaseMs, clockSkewMaxMs);
}
