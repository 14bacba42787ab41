/**
 * What happened, as a running digest and the last few hundred lines. Two runs of one seed must have equal
 * digests: any difference means that something in the world is not deterministic.
 */
import { epochMs } from './clock.js';

interface TraceLine {
  readonly atUs: number;
  readonly node: number;
  readonly text: string;
}

const kept = 400;

export class Trace {
  readonly #lines: TraceLine[] = [];
  #next = 0;
  #low = 0x811c9dc5;
  #high = 0x01000193;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Notes an event at a node; `bytes`, if any, count for the digest only. */
  record(atUs: number, node: number, text: string, bytes?: Uint8Array): void {
    this.#count++;
    this.#mix(atUs % 0x100000000);
    this.#mix(node);
    for (let i = 0; i < text.length; i++) this.#mix(text.charCodeAt(i));
    if (bytes !== undefined) for (let i = 0; i < bytes.length; i++) this.#mix(bytes[i]!);
    this.#lines[this.#next] = { atUs, node, text };
    this.#next = (this.#next + 1) % kept;
  }

  /** 64 bits over everything recorded so far, hexadecimal. */
  digest(): string {
    const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, '0');
    return hex(this.#high) + hex(this.#low);
  }

  /** The last lines, oldest first; times in ms of virtual time. */
  tail(count = kept): string[] {
    const ordered = [...this.#lines.slice(this.#next), ...this.#lines.slice(0, this.#next)];
    return ordered
      .filter((line) => line !== undefined)
      .slice(-count)
      .map((line) => `${(line.atUs / 1000).toFixed(3)} #${line.node} ${line.text}`);
  }

  #mix(value: number): void {
    this.#low = Math.imul(this.#low ^ value, 0x01000193);
    this.#high = Math.imul((this.#high ^ this.#low) + 0x9e3779b9, 0x85ebca6b) ^ (this.#high >>> 15);
  }
}

/** Virtual milliseconds of a clock reading, for messages to people. */
export const virtualMs = (clockMs: number): number => clockMs - epochMs;
