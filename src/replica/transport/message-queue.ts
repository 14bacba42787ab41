/**
 * Encoded messages waiting to leave, bounded by bytes and count: the oldest are dropped, because the
 * protocol retransmits and newer messages are worth more (pitfalls 7 and 9).
 */
export interface QueueLimits {
  readonly bytesMax: number;
  readonly countMax: number;
}

export class MessageQueue {
  readonly #limits: QueueLimits;
  #messages: Uint8Array[] = [];
  /** Everything before this index has been taken or dropped. */
  #head = 0;
  #bytes = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get count(): number {
    return this.#messages.length - this.#head;
  }

  /** Appends a message; returns how many older ones had to go for it. */
  push(message: Uint8Array): number {
    let dropped = 0;
    while (
      this.count > 0 &&
      (this.count >= this.#limits.countMax || this.#bytes + message.length > this.#limits.bytesMax)
    ) {
      this.#bytes -= this.#messages[this.#head++]!.length;
      dropped++;
    }
    this.#compact();
    this.#messages.push(message);
    this.#bytes += message.length;
    return dropped;
  }

  /**
   * Takes the oldest messages, at most `messagesMax`, that together with `overheadBytes` each stay within
   * `bytesMax`; at least one if there is any.
   */
  take(bytesMax: number, overheadBytes: number, messagesMax: number): readonly Uint8Array[] {
    const end = Math.min(this.#messages.length, this.#head + messagesMax);
    let next = this.#head;
    let size = 0;
    while (next < end) {
      const message = this.#messages[next]!;
      size += message.length + overheadBytes;
      if (size > bytesMax && next > this.#head) break;
      this.#bytes -= message.length;
      next++;
    }
    const isRest = next === this.#messages.length;
    const taken = isRest && this.#head === 0 ? this.#messages : this.#messages.slice(this.#head, next);
    if (isRest) {
      this.#messages = [];
      this.#head = 0;
    } else {
      this.#head = next;
      this.#compact();
    }
    return taken;
  }

  clear(): void {
    this.#messages = [];
    this.#head = 0;
    this.#bytes = 0;
  }

  #compact(): void {
    if (this.#head < 1_024 || this.#head * 2 < this.#messages.length) return;
    this.#messages = this.#messages.slice(this.#head);
    this.#head = 0;
  }
}
