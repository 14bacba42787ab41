/**
 * State transfer: the whole state of a certified checkpoint, in chunks from one donor at a time, believed
 * only as a whole and only if its digest is the certified one. Used when the votes for missed batches are
 * gone at the peers. It never stops a donor.
 */
import { concatBytes, replicaId, type ReplicaId, type SequenceNumber } from '../base/index.js';
import type { FetchState, StableCheckpoint, StateChunk } from '../codec/index.js';
import { isValidCertificate, noteCertificate } from './checkpoint.js';
import { event, reject, send, type Core, type Transfer } from './core.js';
import { tellAllLate } from './effects.js';
import { touchAllFeeds } from './feeds.js';
import { isExecuted } from './intake.js';
import { lowWatermark } from './log.js';
import { removePending } from './pool.js';
import { dropVoidViewChanges } from './rejoin.js';
import { decodeSnapshot, encodeSnapshot, installState, isOfThisVersion, takeSnapshot } from './state.js';

const chunksInFlight = 4;
const stateBytesMax = 1 << 30;
const donorTimeoutMs = 500;
/** States served at once, the one asked for first goes first. */
const servedMax = 4;
const servedIdleMs = 5_000;

export function onStableCheckpoint(core: Core, from: ReplicaId, message: StableCheckpoint): void {
  const { certificate } = message;
  if (certificate.sequenceNumber <= lowWatermark(core.log)) return;
  if (isValidCertificate(core, certificate)) noteCertificate(core, certificate);
  else reject(core, from, 'BAD_CERTIFICATE');
}

export function onFetchState(core: Core, from: ReplicaId, message: FetchState): void {
  const bytes = serve(core, message.sequenceNumber);
  if (bytes === null) {
    const certificate = core.log.stable;
    if (certificate.sequenceNumber > message.sequenceNumber)
      send(core, from, { kind: 'stableCheckpoint', certificate });
    return;
  }
  const size = core.config.stateChunkBytes;
  const chunkCount = Math.max(1, Math.ceil(bytes.length / size));
  if (message.chunk >= chunkCount) return;
  const data = bytes.subarray(message.chunk * size, (message.chunk + 1) * size);
  const { sequenceNumber, chunk } = message;
  send(core, from, { kind: 'stateChunk', sequenceNumber, chunk, chunkCount, data });
}

/** The encoded state of a checkpoint that is still held, or was when it was first asked for. */
function serve(core: Core, number: SequenceNumber): Uint8Array | null {
  let served = core.served.get(number);
  if (served === undefined) {
    const snapshot = core.snapshots.get(number);
    if (snapshot === undefined) return null;
    served = { bytes: encodeSnapshot(snapshot), lastAskedMs: core.nowMs };
    core.served.set(number, served);
    for (const known of core.served.keys()) {
      if (core.served.size <= servedMax) break;
      core.served.delete(known);
    }
  }
  served.lastAskedMs = core.nowMs;
  return served.bytes;
}

/** Lets go of states that nobody fetches any more. */
export function dropServed(core: Core): void {
  for (const [number, { lastAskedMs }] of core.served) {
    if (core.nowMs - lastAskedMs >= servedIdleMs) core.served.delete(number);
  }
}

/** Starts, or moves on to the next donor, when waiting has not helped. */
export function tickTransfer(core: Core): void {
  const transfer = core.transfer;
  if (transfer === null) return;
  if (transfer.isFetching) {
    if (core.nowMs - transfer.lastReceivedMs >= donorTimeoutMs) startFetching(core, transfer);
    return;
  }
  if (core.log.lastExecuted > transfer.lastSeenExecuted) {
    transfer.lastSeenExecuted = core.log.lastExecuted;
    transfer.noticedAtMs = core.nowMs;
  }
  if (core.nowMs - transfer.noticedAtMs >= 2 * core.config.statusIntervalMs) startFetching(core, transfer);
}

/** A new primary cannot wait: the view needs this state. */
export function hurryTransfer(core: Core): void {
  if (core.transfer !== null && !core.transfer.isFetching) startFetching(core, core.transfer);
}

/** Begins anew at the next replica that signed the checkpoint. */
function startFetching(core: Core, transfer: Transfer): void {
  const signers = new Set(transfer.target.signatures.map((signature) => signature.replica));
  const { n, id } = core.config;
  let donor = transfer.donor;
  do donor = replicaId((donor + 1) % n);
  while (donor === id || !signers.has(donor));
  transfer.donor = donor;
  transfer.isFetching = true;
  transfer.chunks = [];
  transfer.lastReceivedMs = core.nowMs;
  const { sequenceNumber } = transfer.target;
  event(core, 'state-transfer-started', { sequenceNumber, donor });
  send(core, donor, { kind: 'fetchState', sequenceNumber, chunk: 0 });
}

export function onStateChunk(core: Core, from: ReplicaId, message: StateChunk): void {
  const transfer = core.transfer;
  if (transfer === null || !transfer.isFetching || from !== transfer.donor) return;
  const { sequenceNumber, chunk, chunkCount, data } = message;
  if (sequenceNumber !== transfer.target.sequenceNumber) return;
  const isFirst = transfer.chunks.length === 0;
  const size = core.config.stateChunkBytes;
  const isWhole = chunk < chunkCount - 1 ? data.length === size : data.length <= size;
  if (!isWhole || chunkCount * size > stateBytesMax) {
    reject(core, from, 'MALFORMED_STATE_CHUNK');
    startFetching(core, transfer);
    return;
  }
  if (isFirst && chunk === 0) {
    transfer.chunks = new Array<Uint8Array | null>(chunkCount).fill(null);
  }
  if (chunkCount !== transfer.chunks.length || chunk >= chunkCount || transfer.chunks[chunk] !== null) return;
  transfer.chunks[chunk] = data;
  transfer.lastReceivedMs = core.nowMs;
  const next = isFirst
    ? Array.from({ length: chunksInFlight }, (_, index) => index + 1)
    : [chunk + chunksInFlight];
  for (const wanted of next) {
    if (wanted < chunkCount) send(core, from, { kind: 'fetchState', sequenceNumber, chunk: wanted });
  }
  if (transfer.chunks.every((part) => part !== null)) finish(core, transfer, concatBytes(transfer.chunks));
}

function finish(core: Core, transfer: Transfer, bytes: Uint8Array): void {
  const { sequenceNumber, stateDigest } = transfer.target;
  const state = decodeSnapshot(core, bytes, stateDigest);
  if (state === null) {
    reject(core, transfer.donor, 'WRONG_STATE');
    startFetching(core, transfer);
    return;
  }
  if (!isOfThisVersion(core, state)) {
    core.outputs.push({ kind: 'halt', reason: 'VERSION_MISMATCH' });
    core.isHalted = true;
    return;
  }
  installState(core, sequenceNumber, state);
  dropVoidViewChanges(core);
  tellAllLate(core);
  touchAllFeeds(core.feeds);
  // What waits since before is timed anew.
  core.activeSinceMs = core.nowMs;
  core.snapshots.set(sequenceNumber, takeSnapshot(core));
  if (core.observing?.kind === 'rejoining') core.observing.lastProgressMs = core.nowMs;
  event(core, 'state-transferred', { sequenceNumber, bytes: bytes.length });
  noteCertificate(core, transfer.target);
  forgetExecuted(core);
  for (const number of core.log.slots.keys()) core.touched.add(number);
}

/** Envelopes that were executed within the transferred state no longer wait here. */
function forgetExecuted(core: Core): void {
  for (const { key, envelope } of [...core.pool.waiting.values(), ...core.pool.proposed.values()]) {
    if (isExecuted(core, envelope)) removePending(core.pool, key);
  }
}
