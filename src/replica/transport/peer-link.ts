/**
 * The link to one other replica: dials it, keeps dialling with backoff, and sends on the stream it dialled.
 * It never receives: what the other replica has to say comes on the stream that it dials (listener.ts).
 */
import { Backoff, reconnectLimits } from './backoff.js';
import { FrameSender, type EncodeFrame, type WriteFrame } from './frame-sender.js';
import type { QueueLimits } from './message-queue.js';

export interface DialEvents {
  /** The other replica has accepted the stream. */
  up(write: WriteFrame): void;
  /** Called once, also when the stream never came up. */
  down(reason: string): void;
}

export interface DialledStream {
  /** Ends after what was written. */
  end(): void;
  /** Gives up at once; `down` may still follow. */
  cancel(): void;
}

/** Opens one stream to one replica; throws nothing, reports by the events. */
export type Dial = (events: DialEvents) => DialledStream;

export interface PeerLinkOptions {
  readonly dial: Dial;
  readonly queue: QueueLimits;
  readonly encodeFrame: EncodeFrame;
  readonly backoff?: Backoff;
  onUp(): void;
  onDown(reason: string): void;
}

export const peerQueueLimits: QueueLimits = { bytesMax: 32 << 20, countMax: 16_384 };

/** An attempt that is neither up nor down by then is given up, ms. */
const attemptTimeoutMs = 5_000;
/** Only a stream that lasted this long resets the backoff: one that is accepted and cut must not spin, ms. */
const provenAfterMs = 1_000;

export class PeerLink {
  readonly sender: FrameSender;
  readonly #options: PeerLinkOptions;
  readonly #backoff: Backoff;
  #stream: DialledStream | null = null;
  #isUp = false;
  #isClosed = false;
  #isWaiting = false;
  /** Numbers attempts, so that a late event of an old one changes nothing. */
  #attempt = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: PeerLinkOptions) {
    this.#options = options;
    this.#backoff = options.backoff ?? new Backoff();
    this.sender = new FrameSender(options.queue, options.encodeFrame);
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  start(): void {
    this.#isWaiting = false;
    const attempt = ++this.#attempt;
    this.#setTimer(attemptTimeoutMs, () => this.#down(attempt, 'no answer in time'));
    this.#stream = this.#options.dial({
      up: (write) => this.#up(attempt, write),
      down: (reason) => this.#down(attempt, reason),
    });
  }

  /** Dials soon if it is waiting for its next attempt; once per wait, so that nobody else sets our pace. */
  nudge(): void {
    if (!this.#isWaiting) return;
    this.#isWaiting = false;
    this.#setTimer(reconnectLimits.minMs, () => this.start());
  }

  /** Sends what is queued if that takes no longer than `graceMs` (0: sends nothing more), then ends. */
  async close(graceMs: number): Promise<void> {
    if (this.#isUp && graceMs > 0) {
      this.sender.flush();
      const late = new Promise<void>((resolve) => this.#setTimer(graceMs, resolve));
      await Promise.race([this.sender.idle(), late]);
    }
    this.#isClosed = true;
    this.#isWaiting = false;
    this.#clearTimer();
    this.#attempt++;
    this.sender.disconnect();
    if (this.#isUp) this.#stream?.end();
    else this.#stream?.cancel();
    this.#stream = null;
    this.#isUp = false;
  }

  #up(attempt: number, write: WriteFrame): void {
    if (attempt !== this.#attempt || this.#isClosed) return;
    this.#isUp = true;
    this.#setTimer(provenAfterMs, () => this.#backoff.reset());
    this.#options.onUp();
    this.sender.connect(write);
  }

  #down(attempt: number, reason: string): void {
    if (attempt !== this.#attempt || this.#isClosed) return;
    this.#attempt++;
    this.#stream?.cancel();
    this.#stream = null;
    this.#isUp = false;
    this.sender.disconnect();
    this.#isWaiting = true;
    this.#setTimer(this.#backoff.next(), () => this.start());
    this.#options.onDown(reason);
  }

  #setTimer(ms: number, run: () => void): void {
    this.#clearTimer();
    this.#timer = setTimeout(run, ms);
  }

  #clearTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
