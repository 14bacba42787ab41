/**
 * The stream to one replica, kept up: dialled, authenticated by a signature over the replica's challenge
 * (DESIGN section 8), redialled with backoff when it breaks. Messages of a turn share frames. Whatever is
 * sent while the stream is down, or lost with it, is gone: the protocol above repeats what matters.
 */
import { fromHex, replicaId, sessionId, type ViewNumber } from '../base/index.js';
import {
  decodeServerFrame,
  decodeServerMessage,
  encodeClientFrame,
  encodeClientMessage,
} from '../codec/index.js';
import type { Challenge, ClientMessage, ServerMessage } from '../codec/index.js';
import { signHello, type IdentityKey, type ReplicaDescription } from '../crypto/index.js';
import type { Dial, Stream } from './dial.js';

export interface LinkOptions {
  readonly clusterId: string;
  readonly replica: ReplicaDescription;
  readonly key: IdentityKey;
  readonly dial: Dial;
  /** Draws from [0, 1). */
  readonly random: () => number;
}

export interface LinkEvents {
  up(view: ViewNumber): void;
  message(message: ServerMessage): void;
  /** The stream was up and is no more. */
  down(): void;
  /** `reason` or `notice` changed. */
  changed(): void;
}

/** What a replica says about itself: it takes envelopes or not. No refusal of the stream. */
const diskNotices: readonly string[] = ['DISK_FULL', 'DISK_FREE'];
const backoffMinMs = 50;
const backoffMaxMs = 2_000;
const welcomeTimeoutMs = 5_000;
/** A replica that takes nothing any more loses the stream rather than fill this process's memory. */
const unsentBytesMax = 16 << 20;
/** A frame is closed at this size, so that a large message does not hold up what follows. */
const frameBytesTarget = 1 << 20;
const frameMessagesMax = 4_096;
const messageOverhead = 8;

export class Link {
  readonly #options: LinkOptions;
  readonly #events: LinkEvents;
  #state: 'connecting' | 'up' | 'waiting' | 'closed' = 'waiting';
  #stream: Stream | null = null;
  /** Counts streams; grows when one is given up. */
  #attempt = 0;
  #timer: NodeJS.Timeout | undefined;
  #backoffMs = backoffMinMs;
  #reason: string | null = null;
  #notice: string | null = null;
  /** Streams in a row on which it came. */
  #noticeStreams = 0;
  /** The last one on the present stream. */
  #attemptNotice: string | null = null;
  #unsent: Uint8Array[] = [];
  #unsentBytes = 0;
  #isBlocked = false;

  constructor(options: LinkOptions, events: LinkEvents) {
    this.#options = options;
    this.#events = events;
  }

  get replica(): ReplicaDescription {
    return this.#options.replica;
  }

  get isUp(): boolean {
    return this.#state === 'up';
  }

  /** Why the last attempt or stream ended; null before the first verdict and while up. */
  get reason(): string | null {
    return this.#reason;
  }

  /** What this replica last refused on the present stream or, while there is none, on the last one. */
  get notice(): string | null {
    return this.#notice;
  }

  /** On how many streams in a row. */
  get noticeStreams(): number {
    return this.#noticeStreams;
  }

  start(): void {
    if (this.#state !== 'waiting') return;
    this.#state = 'connecting';
    this.#dial();
  }

  #dial(): void {
    // Late events of an earlier stream must not be taken for this one's.
    const attempt = ++this.#attempt;
    const isCurrent = (): boolean => this.#attempt === attempt;
    this.#attemptNotice = null;
    this.#timer = setTimeout(() => this.#restart('no welcome in time'), welcomeTimeoutMs);
    this.#stream = this.#options.dial(this.#options.replica, {
      frame: (bytes) => {
        if (isCurrent()) this.#onFrame(bytes);
      },
      drained: () => {
        if (!isCurrent()) return;
        this.#isBlocked = false;
        this.flush();
      },
      down: (reason) => {
        if (isCurrent()) this.#onDown(reason);
      },
    });
  }

  #onFrame(bytes: Uint8Array): void {
    const messages = decodeServerFrame(bytes);
    if (messages === null) return this.#restart('it sent a malformed frame');
    for (const encoded of messages) {
      const message = decodeServerMessage(encoded);
      if (message === null) return this.#restart('it sent a malformed message');
      this.#onMessage(message);
      if (this.#stream === null) return;
    }
  }

  #onMessage(message: ServerMessage): void {
    const isOfDisk = message.kind === 'notice' && diskNotices.includes(message.code);
    if (message.kind === 'notice' && !isOfDisk) this.#onNotice(message.code);
    else if (this.#state === 'up') this.#events.message(message);
    else if (message.kind === 'challenge') this.#onChallenge(message);
    else if (message.kind === 'welcome') this.#onWelcome(message.view);
  }

  #onChallenge({ replica, nonce }: Challenge): void {
    const { clusterId, key } = this.#options;
    const { id, tlsFingerprint } = this.replica;
    if (replica !== id) return this.#restart(`it says that it is replica ${replica}`);
    const certificateFingerprint = fromHex(tlsFingerprint) ?? new Uint8Array(0);
    const context = { clusterId, replica: replicaId(id), certificateFingerprint, nonce };
    this.#push(signHello(context, sessionId(0), key));
    this.flush();
  }

  #onWelcome(view: ViewNumber): void {
    clearTimeout(this.#timer);
    this.#state = 'up';
    this.#reason = null;
    this.#notice = null;
    this.#backoffMs = backoffMinMs;
    this.#events.up(view);
    this.#events.changed();
  }

  #onNotice(code: string): void {
    if (code !== this.#notice) this.#noticeStreams = 1;
    else if (this.#attemptNotice === null) this.#noticeStreams++;
    this.#attemptNotice = code;
    this.#notice = code;
    // Sessions of former times fill the stream's table; a new stream starts with those in use.
    if (code === 'TOO_MANY_SESSIONS') this.#restart(`it refuses: ${code}`);
    else this.#events.changed();
  }

  #restart(reason: string): void {
    const stream = this.#stream;
    this.#onDown(reason);
    stream?.cancel();
  }

  #onDown(reason: string): void {
    const wasUp = this.#state === 'up';
    clearTimeout(this.#timer);
    this.#attempt++;
    this.#stream = null;
    this.#notice = this.#attemptNotice;
    this.#unsent = [];
    this.#unsentBytes = 0;
    this.#isBlocked = false;
    this.#reason = this.#notice === null || this.#state === 'closed' ? reason : `it refuses: ${this.#notice}`;
    if (this.#state !== 'closed') this.#redialLater();
    if (wasUp) this.#events.down();
    this.#events.changed();
  }

  #redialLater(): void {
    this.#state = 'waiting';
    const delayMs = (this.#backoffMs / 2) * (1 + this.#options.random());
    this.#backoffMs = Math.min(2 * this.#backoffMs, backoffMaxMs);
    this.#timer = setTimeout(() => this.start(), delayMs);
  }

  /** Leaves with the next `flush`; dropped while the stream is down. */
  send(message: ClientMessage): void {
    if (this.#state === 'up') this.#push(message);
  }

  #push(message: ClientMessage): void {
    const encoded = encodeClientMessage(message);
    this.#unsent.push(encoded);
    this.#unsentBytes += encoded.length + messageOverhead;
    if (this.#unsentBytes > unsentBytesMax) this.#restart('it takes no messages any more');
  }

  flush(): void {
    while (this.#unsent.length > 0 && !this.#isBlocked && this.#stream !== null) {
      this.#isBlocked = !this.#stream.write(encodeClientFrame(this.#takeFrame()));
    }
  }

  #takeFrame(): Uint8Array[] {
    let bytes = 0;
    let count = 0;
    for (const message of this.#unsent) {
      const total = bytes + message.length + messageOverhead;
      if (count === frameMessagesMax || (count > 0 && total > frameBytesTarget)) break;
      bytes = total;
      count++;
    }
    this.#unsentBytes -= bytes;
    return this.#unsent.splice(0, count);
  }

  close(): void {
    if (this.#state === 'closed') return;
    const stream = this.#stream;
    this.#state = 'closed';
    this.#onDown('closed');
    stream?.cancel();
  }
}
