/**
 * Receives the frames of other replicas, on the streams that they dialled. The newest stream of a replica
 * replaces its older ones: after a broken connection the old one may linger. Bad frames and messages are
 * dropped and counted, never more (pitfall 15).
 */
import type { ReplicaId } from '../../base/index.js';
import { decodePeerFrame, decodePeerMessage, type PeerMessage } from '../../codec/index.js';
import type { Drops } from '../tally.js';
import type { FrameReceiver, FrameStream } from './frame-stream.js';

export class PeerReceiver {
  readonly #streams = new Map<ReplicaId, FrameStream>();
  readonly #deliver: (from: ReplicaId, message: PeerMessage) => void;
  readonly #drops: Drops;

  constructor(deliver: (from: ReplicaId, message: PeerMessage) => void, drops: Drops) {
    this.#deliver = deliver;
    this.#drops = drops;
  }

  accept(from: ReplicaId, stream: FrameStream): FrameReceiver {
    const former = this.#streams.get(from);
    this.#streams.set(from, stream);
    former?.end();
    return {
      frame: (bytes) => this.#onFrame(from, bytes),
      closed: () => {
        if (this.#streams.get(from) === stream) this.#streams.delete(from);
      },
    };
  }

  #onFrame(from: ReplicaId, bytes: Uint8Array): void {
    const messages = decodePeerFrame(bytes);
    if (messages === null) {
      this.#drops.add('MALFORMED_FRAME', 1, from);
      return;
    }
    for (const encoded of messages) {
      const message = decodePeerMessage(encoded);
      if (message === null) this.#drops.add('MALFORMED_MESSAGE', 1, from);
      else this.#deliver(from, message);
    }
  }
}
