/** Settings of the ordering layer. All times in ms, sizes in bytes. Equal at every replica of a cluster. */
import type { ReplicaId } from '../base/index.js';

export interface OrderingConfig {
  readonly id: ReplicaId;
  /** Number of replicas, at least 4. */
  readonly n: number;
  /** Batches proposed and not yet executed at the primary. */
  readonly windowBatches: number;
  readonly batchOperationsMax: number;
  readonly batchBytesMax: number;
  readonly envelopeBytesMax: number;
  /** A checkpoint every so many batches. */
  readonly checkpointInterval: number;
  /** High watermark = low watermark + this. */
  readonly watermarkWindow: number;
  /** A proposal of so many envelopes is checked by some first, and by the others if these do not vouch for it. */
  readonly sharedChecksMin: number;
  /** How far a fresh proposal's time may be from a backup's clock. */
  readonly clockSkewMaxMs: number;
  /** Age of the oldest unexecuted envelope at which a backup suspects the primary. */
  readonly requestTimeoutMs: number;
  /** Time from a quorum of VIEW-CHANGEs to the NEW-VIEW; doubles per failed view. */
  readonly viewChangeTimeoutMs: number;
  readonly viewChangeTimeoutMaxMs: number;
  /**
   * A primary under which backups do less than this part of the work of another, though each request waits longer than
   * the inverse part of the other's time, is replaced, and so is one that passes a client over; 0: neither is.
   */
  readonly slowPrimaryPercent: number;
  /** What counts for that: time in which requests wait, gathered until there is this much of it. */
  readonly throughputWindowMs: number;
  /** How long a primary is not replaced for slowness; doubles for each one that was. */
  readonly throughputGraceMs: number;
  /** Differences in waiting below this do not count. */
  readonly turnaroundSlackMs: number;
  /** The next primary takes its turn after so many batches with envelopes; 0: it does not. */
  readonly rotateAfterBatches: number;
  /** STATUS interval while something is outstanding; ten times that when idle. */
  readonly statusIntervalMs: number;
  /** Digests kept in Q per sequence number (lowest view evicted). */
  readonly prePreparedDigestsMax: number;
  readonly pendingEnvelopesMax: number;
  readonly pendingEnvelopesPerClientMax: number;
  readonly pendingBytesMax: number;
  readonly pendingBytesPerClientMax: number;
  readonly pendingReadsMax: number;
  readonly pendingReadsPerClientMax: number;
  readonly sessionLeaseMs: number;
  /** An opened session that is not used within this is void. */
  readonly sessionUnusedMs: number;
  readonly sessionsPerClientMax: number;
  readonly sessionNumbersMax: number;
  readonly sessionReplyBytesMax: number;
  /** Of all sessions of a client together. */
  readonly clientReplyBytesMax: number;
  /** Operations of a session that wait, or whose late outcome has not arrived. */
  readonly sessionWaitsMax: number;
  /** Feeds that one stream may follow. */
  readonly feedsPerStreamMax: number;
  /** Events and bytes that may be under way to one follower of a feed. */
  readonly feedWindowEvents: number;
  readonly feedWindowBytes: number;
  /** A message of a state transfer carries about this much; larger pages are cut. */
  readonly stateChunkBytes: number;
  /** What a replica gives of its states to all peers together; less while it executes batches. */
  readonly stateBytesPerSecond: number;
  /** Batches and bytes of batch bodies kept below the low watermark for peers that were cut off. */
  readonly historyBatchesMax: number;
  readonly historyBytesMax: number;
}

export const defaultOrderingConfig: Omit<OrderingConfig, 'id' | 'n'> = {
  windowBatches: 8,
  batchOperationsMax: 512,
  batchBytesMax: 1 << 20,
  envelopeBytesMax: 2 << 20,
  checkpointInterval: 128,
  watermarkWindow: 256,
  sharedChecksMin: 32,
  clockSkewMaxMs: 500,
  requestTimeoutMs: 700,
  viewChangeTimeoutMs: 500,
  viewChangeTimeoutMaxMs: 60_000,
  slowPrimaryPercent: 60,
  throughputWindowMs: 250,
  throughputGraceMs: 2_000,
  turnaroundSlackMs: 20,
  rotateAfterBatches: 0,
  statusIntervalMs: 100,
  prePreparedDigestsMax: 16,
  pendingEnvelopesMax: 16_384,
  pendingEnvelopesPerClientMax: 1_024,
  pendingBytesMax: 256 << 20,
  pendingBytesPerClientMax: 32 << 20,
  pendingReadsMax: 16_384,
  pendingReadsPerClientMax: 1_024,
  sessionLeaseMs: 30_000,
  sessionUnusedMs: 60_000,
  sessionsPerClientMax: 1_024,
  sessionNumbersMax: 1_024,
  sessionReplyBytesMax: 4 << 20,
  clientReplyBytesMax: 64 << 20,
  sessionWaitsMax: 16_384,
  feedsPerStreamMax: 1_024,
  feedWindowEvents: 256,
  feedWindowBytes: 1 << 20,
  stateChunkBytes: 512 << 10,
  stateBytesPerSecond: 24 << 20,
  historyBatchesMax: 65_536,
  historyBytesMax: 64 << 20,
};
