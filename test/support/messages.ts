/** Hand-made messages of replicas, signed with the keyed hashes of lockstep.ts, for unit and paper tests. */
import { digest, replicaId, sequenceNumber, viewNumber, type Digest } from '../../src/base/index.js';
import {
  encodeBatch,
  encodeCheckpointBody,
  encodeNewViewBody,
  encodeViewChangeBody,
  nullBatch,
  type Checkpoint,
  type CheckpointCertificate,
  type ChosenBatch,
  type Commit,
  type Envelope,
  type NewView,
  type Prepare,
  type PrePrepare,
  type Status,
  type ViewChange,
  type ViewEntry,
} from '../../src/codec/index.js';
import { seal, sha256, signAs } from './lockstep.js';

/** An encoded batch and its digest. */
export interface TestBatch {
  readonly bytes: Uint8Array;
  readonly digest: Digest;
}

export function batchOf(time: number, ...envelopes: readonly Envelope[]): TestBatch {
  const bytes = encodeBatch({ time, envelopes: envelopes.map((envelope) => envelope.bytes) });
  return { bytes, digest: sha256(bytes) };
}

export const nullDigest: Digest = sha256(nullBatch);

/** A digest that stands for some batch, by a short name. */
export const digestOf = (name: string): Digest => sha256(new TextEncoder().encode(name));

export const prePrepare = (view: number, number: number, batch: TestBatch): PrePrepare => ({
  kind: 'prePrepare',
  view: viewNumber(view),
  sequenceNumber: sequenceNumber(number),
  batch: batch.bytes,
});

export const prepare = (view: number, number: number, of: Digest): Prepare => ({
  kind: 'prepare',
  view: viewNumber(view),
  sequenceNumber: sequenceNumber(number),
  digest: of,
});

export const commit = (view: number, number: number, of: Digest): Commit => ({
  kind: 'commit',
  view: viewNumber(view),
  sequenceNumber: sequenceNumber(number),
  digest: of,
});

export function checkpoint(replica: number, number: number, stateDigest: Digest): Checkpoint {
  const body = { sequenceNumber: sequenceNumber(number), stateDigest };
  const signature = signAs(replica, 'checkpoint', encodeCheckpointBody(body));
  return { kind: 'checkpoint', ...body, replica: replicaId(replica), signature };
}

export function certificate(
  number: number,
  stateDigest: Digest,
  signers: readonly number[],
): CheckpointCertificate {
  const signatures = signers.map((signer) => {
    const { replica, signature } = checkpoint(signer, number, stateDigest);
    return { replica, signature };
  });
  return { sequenceNumber: sequenceNumber(number), stateDigest, signatures };
}

/** An entry of P or Q. */
export const entry = (number: number, view: number, of: Digest): ViewEntry => ({
  sequenceNumber: sequenceNumber(number),
  view: viewNumber(view),
  digest: of,
});

const byNumberThenDigest = (a: ViewEntry, b: ViewEntry): number =>
  a.sequenceNumber - b.sequenceNumber || (a.digest < b.digest ? -1 : 1);

export interface ViewChangeContent {
  readonly checkpoint?: CheckpointCertificate;
  readonly incarnation?: number;
  /** P */
  readonly prepared?: readonly ViewEntry[];
  /** Q */
  readonly prePrepared?: readonly ViewEntry[];
}

/** The certificate of a state that has executed nothing; only for decisions, replicas know a genesis of their own. */
export const noCheckpoint: CheckpointCertificate = {
  sequenceNumber: sequenceNumber(0),
  stateDigest: digest('00'.repeat(32)),
  signatures: [],
};

export function viewChange(replica: number, view: number, content: ViewChangeContent = {}): ViewChange {
  const fields = {
    view: viewNumber(view),
    replica: replicaId(replica),
    incarnation: content.incarnation ?? 0,
    checkpoint: content.checkpoint ?? noCheckpoint,
    prepared: [...(content.prepared ?? [])].sort(byNumberThenDigest),
    prePrepared: [...(content.prePrepared ?? [])].sort(byNumberThenDigest),
  };
  const body = encodeViewChangeBody(fields);
  return { kind: 'viewChange', ...fields, body, signature: signAs(replica, 'view-change', body) };
}

export const chosen = (number: number, of: Digest): ChosenBatch => ({
  sequenceNumber: sequenceNumber(number),
  digest: of,
});

export function newView(
  replica: number,
  view: number,
  viewChanges: readonly ViewChange[],
  choice: readonly ChosenBatch[],
): NewView {
  const fields = { view: viewNumber(view), replica: replicaId(replica), viewChanges, chosen: choice };
  const body = encodeNewViewBody(fields);
  return { kind: 'newView', ...fields, body, signature: signAs(replica, 'new-view', body) };
}

export const status = (fields: {
  view?: number;
  isActive?: boolean;
  isObserver?: boolean;
  lastExecuted?: number;
  stableCheckpoint?: number;
  findsPrimarySlow?: boolean;
}): Status => ({
  kind: 'status',
  view: viewNumber(fields.view ?? 0),
  isActive: fields.isActive ?? true,
  isObserver: fields.isObserver ?? false,
  lastExecuted: sequenceNumber(fields.lastExecuted ?? 0),
  stableCheckpoint: sequenceNumber(fields.stableCheckpoint ?? 0),
  findsPrimarySlow: fields.findsPrimarySlow ?? false,
});

/** Nonce of the life under test, where the test does not say whose REJOIN it is. */
export const rejoinNonce: Uint8Array = new Uint8Array(16).fill(0x1f);

export const rejoinEnvelope = (replica: number, startedAt: number, nonce = rejoinNonce): Envelope =>
  seal({ kind: 'rejoin', replica: replicaId(replica), startedAt, nonce });
