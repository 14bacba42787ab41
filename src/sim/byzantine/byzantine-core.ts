/**
 * A replica with behaviours around it, as one state machine `step(input) → outputs`. Inputs pass the behaviours in order
 * before the real replica sees them; what leaves passes them in order too, and what one says besides passes those after
 * it. What the replica does with its disk and its own threads is left alone: it is the same replica.
 */
import type { ReplicaId } from '../../base/index.js';
import type { Input, Output } from '../../ordering/index.js';
import type { Behaviour, ClientOutput, OutsideInput, Send, Word } from './behaviour.js';

export interface Stepping {
  step(input: Input): readonly Output[];
}

export class ByzantineCore {
  readonly #inside: Stepping;
  readonly #peers: readonly ReplicaId[];
  readonly #behaviours: readonly Behaviour[];
  /** What the clock showed the replica inside. */
  #insideMs = 0;
  #nowMs = 0;

  constructor(inside: Stepping, peers: readonly ReplicaId[], behaviours: readonly Behaviour[]) {
    this.#inside = inside;
    this.#peers = peers;
    this.#behaviours = behaviours;
  }

  step(input: Input): readonly Output[] {
    if (input.kind === 'tick') this.#nowMs = input.nowMs;
    const outputs: Output[] = [];
    for (const changed of this.#changed(input)) {
      for (const output of this.#inside.step(this.#onwards(changed))) outputs.push(...this.#spoilt(output));
    }
    for (const [index, { besides }] of this.#behaviours.entries()) {
      for (const word of besides?.(this.#nowMs) ?? []) outputs.push(...this.#passed(word, index + 1));
    }
    return outputs;
  }

  /** What leaves on the link to `to` in place of the encoded message. */
  frames(to: ReplicaId, bytes: Uint8Array): readonly Uint8Array[] {
    let frames: readonly Uint8Array[] = [bytes];
    for (const { toWire } of this.#behaviours)
      if (toWire !== undefined) frames = frames.flatMap((frame) => toWire(to, frame));
    return frames;
  }

  #changed(input: Input): readonly Input[] {
    if (!isFromOutside(input)) return [input];
    let inputs: readonly OutsideInput[] = [input];
    for (const { fromOutside } of this.#behaviours)
      if (fromOutside !== undefined) inputs = inputs.flatMap((one) => fromOutside(one));
    return inputs;
  }

  #onwards(input: Input): Input {
    if (input.kind !== 'tick') return input;
    this.#insideMs = Math.max(this.#insideMs, input.nowMs);
    return { ...input, nowMs: this.#insideMs };
  }

  #spoilt(output: Output): readonly Output[] {
    switch (output.kind) {
      case 'broadcast':
        return this.#peers.flatMap((to) => this.#passed({ kind: 'send', to, message: output.message }, 0));
      case 'send':
      case 'reply':
      case 'opened':
      case 'readReply':
      case 'feedEvent':
      case 'feedTruncated':
        return this.#passed(output, 0);
      default:
        return [output];
    }
  }

  /** The word, past the behaviours from this one on. */
  #passed(word: Word, from: number): readonly Word[] {
    let words: readonly Word[] = [word];
    for (const behaviour of this.#behaviours.slice(from))
      words = words.flatMap((one): readonly Word[] =>
        one.kind === 'send' ? sent(behaviour, one) : told(behaviour, one),
      );
    return words;
  }
}

const isFromOutside = (input: Input): input is OutsideInput =>
  ['message', 'envelope', 'read', 'attached', 'follow', 'tick'].includes(input.kind);

const sent = ({ toPeer }: Behaviour, { to, message }: Send): readonly Send[] =>
  (toPeer?.(to, message) ?? [message]).map((one) => ({ kind: 'send', to, message: one }));

const told = ({ toClients }: Behaviour, output: ClientOutput): readonly ClientOutput[] =>
  toClients?.(output) ?? [output];
