/**
 * What a faulty replica may say: messages of others and of its own, changed at random in every field and
 * signed again with its own key. It cannot sign for others, so everything else is at its will.
 */
import { digest, sequenceNumber, viewNumber, type Digest, type Prng } from '../../src/base/index.js';
import {
  encodeCheckpointBody,
  encodeNewViewBody,
  encodeViewChangeBody,
  type CheckpointCertificate,
  stateLevels,
  type PeerMessage,
  type StateNodeAt,
  type StateNodePart,
  type ViewEntry,
} from '../../src/codec/index.js';
import { bob, openEnvelope, signAs } from './lockstep.js';
import { batchOf, digestOf, nullDigest } from './messages.js';

export class Liar {
  readonly id: number;
  readonly #n: number;
  readonly #window: number;
  readonly #random: Prng;
  readonly #digests: Digest[] = [nullDigest, digestOf('nothing')];

  constructor(id: number, n: number, window: number, random: Prng) {
    this.id = id;
    this.#n = n;
    this.#window = window;
    this.#random = random;
  }

  /** Learns the digests that are about, to use them elsewhere. */
  hear(message: PeerMessage): void {
    if (!('digest' in message) || this.#digests.length >= 200) return;
    if (!this.#digests.includes(message.digest)) this.#digests.push(message.digest);
  }

  /** Another message in the place of this one; what cannot be encoded any more is the caller's to drop. */
  distort(message: PeerMessage, nowMs: number): PeerMessage {
    switch (message.kind) {
      case 'viewChange':
        return this.#viewChange(message);
      case 'newView':
        return this.#newView(message);
      case 'checkpoint': {
        const body = {
          ...message,
          stateDigest: this.#maybe(message.stateDigest),
          ...this.#numbered(message),
        };
        return { ...body, signature: signAs(this.id, 'checkpoint', encodeCheckpointBody(body)) };
      }
      case 'stableCheckpoint':
        return { ...message, certificate: this.#certificate(message.certificate) };
      case 'prePrepare':
        return {
          ...message,
          ...this.#viewed(message),
          ...this.#numbered(message),
          batch: this.#batch(message.batch, nowMs),
        };
      case 'prepare':
      case 'commit':
        return {
          ...message,
          ...this.#viewed(message),
          ...this.#numbered(message),
          digest: this.#maybe(message.digest),
        };
      case 'committed':
        return { ...message, ...this.#numbered(message), digest: this.#maybe(message.digest) };
      case 'status':
        return {
          ...message,
          ...this.#viewed(message),
          isActive: this.#random.chance(1, 2),
          isObserver: this.#random.chance(1, 2),
          lastExecuted: this.#number(message.lastExecuted),
          stableCheckpoint: this.#number(message.stableCheckpoint),
        };
      case 'stateNodes':
        return {
          ...message,
          ...this.#numbered(message),
          parts: message.parts.map((part) => this.#part(part)),
        };
      case 'stateGone':
        return {
          ...message,
          ...this.#numbered(message),
          certificate: this.#certificate(message.certificate),
        };
      case 'fetchState':
        return {
          ...message,
          ...this.#numbered(message),
          nodes: message.nodes.map((node) => this.#node(node)),
        };
      default:
        return message;
    }
  }

  #node(node: StateNodeAt): StateNodeAt {
    if (this.#random.chance(1, 2)) return node;
    return {
      level: this.#random.pick(stateLevels),
      section: this.#random.pick([0, 1]),
      number: this.#integer(node.number),
      offset: this.#integer(node.offset),
    };
  }

  #part(part: StateNodePart): StateNodePart {
    const totalBytes = this.#integer(part.totalBytes);
    const data = this.#random.chance(1, 4) ? part.data.map((byte) => byte ^ 1) : part.data;
    return { ...this.#node(part), totalBytes, data };
  }

  #integer(value: number): number {
    if (this.#random.chance(1, 20)) return Number.MAX_SAFE_INTEGER - this.#random.below(3);
    if (this.#random.chance(1, 2)) return value;
    return Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, value + this.#random.between(0, 6) - 3));
  }

  #number = (value: number) => sequenceNumber(this.#integer(value));
  #numbered = (message: { sequenceNumber: number }) => ({
    sequenceNumber: this.#number(message.sequenceNumber),
  });
  #viewed = (message: { view: number }) => ({ view: viewNumber(this.#integer(message.view)) });
  #maybe = (own: Digest): Digest =>
    this.#random.chance(1, 2) ? this.#random.pick(this.#digests) : digest(own);

  #batch(own: Uint8Array, nowMs: number): Uint8Array {
    if (this.#random.chance(1, 2)) return own;
    const envelopes = this.#random.chance(1, 2) ? [openEnvelope(bob, this.#random.below(5))] : [];
    return batchOf(nowMs, ...envelopes).bytes;
  }

  #certificate(own: CheckpointCertificate): CheckpointCertificate {
    const signatures = this.#random.chance(1, 2)
      ? own.signatures.slice(this.#random.below(4))
      : own.signatures;
    return { ...own, ...(this.#random.chance(1, 3) ? this.#numbered(own) : {}), signatures };
  }

  /** Claims for P or Q, ascending. */
  #entries(low: number, view: number, outOfTen: number): ViewEntry[] {
    const entries: ViewEntry[] = [];
    for (let number = low + 1; number <= low + this.#window; number++) {
      if (!this.#random.chance(outOfTen, 10)) continue;
      const earlier = viewNumber(this.#random.below(Math.max(1, Math.min(view, 20))));
      entries.push({
        sequenceNumber: sequenceNumber(number),
        view: earlier,
        digest: this.#random.pick(this.#digests),
      });
    }
    return entries;
  }

  #viewChange(message: Extract<PeerMessage, { kind: 'viewChange' }>): PeerMessage {
    if (this.#random.chance(1, 3)) return message;
    const low = message.checkpoint.sequenceNumber;
    const { view } = this.#viewed(message);
    const fields = {
      ...message,
      view,
      replica: this.id as typeof message.replica,
      prepared: this.#random.chance(1, 2) ? this.#entries(low, view, 4) : message.prepared,
      prePrepared: this.#random.chance(1, 2) ? this.#entries(low, view, 6) : message.prePrepared,
      checkpoint: this.#random.chance(1, 10) ? this.#certificate(message.checkpoint) : message.checkpoint,
    };
    const body = encodeViewChangeBody(fields);
    return { ...fields, body, signature: signAs(this.id, 'view-change', body) };
  }

  #newView(message: Extract<PeerMessage, { kind: 'newView' }>): PeerMessage {
    if (this.#random.chance(1, 3)) return message;
    const fields = {
      ...message,
      replica: this.id as typeof message.replica,
      view: this.#random.chance(1, 2) ? viewNumber(this.id + this.#n * this.#random.below(3)) : message.view,
      viewChanges: message.viewChanges.filter(() => this.#random.chance(9, 10)),
      chosen: message.chosen.map((batch) =>
        this.#random.chance(1, 10) ? { ...batch, digest: this.#random.pick(this.#digests) } : batch,
      ),
    };
    const body = encodeNewViewBody(fields);
    return { ...fields, body, signature: signAs(this.id, 'new-view', body) };
  }
}
