/** Words that are held back until their time, in order. */
import type { Word } from './behaviour.js';

const heldMax = 8_192;

export class HeldWords {
  #held: { readonly word: Word; readonly dueMs: number }[] = [];

  /** Beyond a number of them nothing more is held; false: the word has to go now. */
  hold(word: Word, dueMs: number): boolean {
    if (this.#held.length >= heldMax) return false;
    this.#held.push({ word, dueMs });
    return true;
  }

  /** What is due goes, and nothing before what was held earlier. */
  release(nowMs: number): readonly Word[] {
    let count = 0;
    while (count < this.#held.length && this.#held[count]!.dueMs <= nowMs) count++;
    return count === 0 ? [] : this.#held.splice(0, count).map(({ word }) => word);
  }
}
