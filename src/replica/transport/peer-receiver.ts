/**
 * Receives the frames of other replicas, on the streams that they dialled. The newest stream of a replica
 * replaces its older ones: after a broken connection the old one may linger. Bad frames and messages are
 * dropped and counted, never more (pitfall 15). A replica of which much waits is read no further until that is done
 * (Aardvark, NSDI'09, section 4.2); what is beyond all measure is dropped undecoded.
 */
import type { ReplicaId } from '../../base/index.js';
import { decodePeerFrame, decodePeerMessage, type PeerMessage } from '../../codec/index.js';
import type { Drops } from '../tally.js';
import type { FrameReceiver, FrameStream } from './frame-stream.js';

export interface PeerReceiverPorts {
  deliver(from: ReplicaId, message: PeerMessage): void;
  /** Messages of this replica that were delivered and are not taken yet. */
  waitingOf(from: ReplicaId): number;
  readonly drops: Drops;
}

const pausedAbove = 2_048;
const resumedBelow = 512;
const waitingMax = 8_192;

export class PeerReceiver {
  readonly #streams = new Map<ReplicaId, FrameStream>();
  /** Invariant: each is in `#streams`. */
  readonly #paused = new Map<ReplicaId, FrameStream>();
  readonly #ports: PeerReceiverPorts;

  constructor(ports: PeerReceiverPorts) {
    this.#ports = ports;
  }

  accept(from: ReplicaId, stream: FrameStream): FrameReceiver {
    const former = this.#streams.get(from);
    this.#streams.set(from, stream);
    this.#paused.delete(from);
    former?.end();
    return {
      frame: (bytes) => {
        this.#onFrame(from, bytes);
        this.#throttle(from, stream);
      },
      closed: () => {
        if (this.#streams.get(from) !== stream) return;
        this.#streams.delete(from);
        this.#paused.delete(from);
      },
    };
  }

  /** After each turn of the runtime: those whose messages have been taken are read on. */
  endTurn(): void {
    for (const [from, stream] of this.#paused) {
      if (this.#ports.waitingOf(from) >= resumedBelow) continue;
      this.#paused.delete(from);
      stream.resume();
    }
  }

  #throttle(from: ReplicaId, stream: FrameStream): void {
    if (this.#streams.get(from) !== stream || this.#ports.waitingOf(from) <= pausedAbove) return;
    this.#paused.set(from, stream);
    stream.pause();
  }

  #onFrame(from: ReplicaId, bytes: Uint8Array): void {
    const { deliver, drops, waitingOf } = this.#ports;
    const messages = decodePeerFrame(bytes);
    if (messages === null) {
      drops.add('MALFORMED_FRAME', 1, from);
      return;
    }
    const room = Math.max(0, waitingMax - waitingOf(from));
    if (messages.length > room) drops.add('PEER_FLOODS', messages.length - room, from);
    for (const encoded of messages.slice(0, room)) {
      const message = decodePeerMessage(encoded);
      if (message === null) drops.add('MALFORMED_MESSAGE', 1, from);
      else deliver(from, message);
    }
  }
}
