/**
 * Packs queued messages into frames and hands them to a stream. One frame a turn: while the stream still
 * works on earlier frames, later messages gather in the queue and share a frame. Without a stream the queue
 * just waits, bounded.
 */
import { frameMessagesMax } from '../../codec/index.js';
import { MessageQueue, type QueueLimits } from './message-queue.js';

/** Hands one frame to a stream; `done` is called once the stream can take more. */
export type WriteFrame = (frame: Uint8Array, done: () => void) => void;
export type EncodeFrame = (messages: readonly Uint8Array[]) => Uint8Array;

/** A frame is closed beyond this, so that one large message does not hold up what follows. */
const frameBytesTarget = 1 << 20;
/** Field tag and length in front of every message in a frame. */
const messageOverheadBytes = 8;
/** gRPC writes one frame after the other: the second is there so that it never waits for us. */
const framesInFlightMax = 2;

export class FrameSender {
  readonly #queue: MessageQueue;
  readonly #encodeFrame: EncodeFrame;
  #write: WriteFrame | null = null;
  #inFlight = 0;
  /** Tells late completions of a former stream from those of the present one. */
  #connection = 0;
  #whenIdle: (() => void) | null = null;

  constructor(limits: QueueLimits, encodeFrame: EncodeFrame) {
    this.#queue = new MessageQueue(limits);
    this.#encodeFrame = encodeFrame;
  }

  get queuedBytes(): number {
    return this.#queue.bytes;
  }

  get queuedCount(): number {
    return this.#queue.count;
  }

  /** Queues a message until the next `flush`; returns how many older ones were dropped. */
  push(message: Uint8Array): number {
    return this.#queue.push(message);
  }

  connect(write: WriteFrame): void {
    this.#connection++;
    this.#inFlight = 0;
    this.#write = write;
    this.flush();
  }

  /** The queue stays for the next stream; what the old stream had accepted may be lost. */
  disconnect(): void {
    this.#connection++;
    this.#inFlight = 0;
    this.#write = null;
    this.#settle();
  }

  flush(): void {
    while (this.#write !== null && this.#inFlight < framesInFlightMax && this.#queue.count > 0) {
      const messages = this.#queue.take(frameBytesTarget, messageOverheadBytes, frameMessagesMax);
      const connection = this.#connection;
      this.#inFlight++;
      this.#write(this.#encodeFrame(messages), () => {
        if (connection !== this.#connection) return;
        this.#inFlight--;
        this.flush();
        this.#settle();
      });
    }
  }

  /** Resolves when all that was queued has been accepted by the stream, or there is no stream. */
  async idle(): Promise<void> {
    if (this.#isIdle()) return;
    await new Promise<void>((resolve) => (this.#whenIdle = resolve));
  }

  #isIdle(): boolean {
    return this.#write === null || (this.#inFlight === 0 && this.#queue.count === 0);
  }

  #settle(): void {
    if (this.#whenIdle === null || !this.#isIdle()) return;
    this.#whenIdle();
    this.#whenIdle = null;
  }
}

/**
 * Encodes equal frames once: a broadcast reaches every peer's queue as the same objects, so that their
 * frames of one turn are usually the same.
 */
export function shareFrames(encodeFrame: EncodeFrame): EncodeFrame {
  let lastMessages: readonly Uint8Array[] = [];
  let lastFrame: Uint8Array | null = null;
  return (messages) => {
    const isSame =
      lastFrame !== null &&
      lastMessages.length === messages.length &&
      messages.every((message, i) => message === lastMessages[i]);
    if (lastFrame === null || !isSame) {
      lastFrame = encodeFrame(messages);
      lastMessages = messages;
    }
    return lastFrame;
  };
}
