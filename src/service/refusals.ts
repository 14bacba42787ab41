/**
 * How often this replica refused what, to whom, where: for operators, since it came up. No replicated state. Bounded: what
 * does not fit is counted under the code alone.
 */
import type { RefusalCount } from '../codec/index.js';

const keysMax = 1_024;

export class Refusals {
  readonly #counts = new Map<string, { readonly refusal: Omit<RefusalCount, 'count'>; count: number }>();

  count(code: string, client: string, space: string): void {
    // None of them contains a space.
    const key = `${code} ${client} ${space}`;
    const known = this.#counts.get(key);
    if (known !== undefined) known.count++;
    else if (this.#counts.size >= keysMax && client + space !== '') this.count(code, '', '');
    else this.#counts.set(key, { refusal: { code, client, space }, count: 1 });
  }

  /** Largest first. */
  list(): readonly RefusalCount[] {
    const all = [...this.#counts.values()].map(({ refusal, count }) => ({ ...refusal, count }));
    return all.sort((a, b) => b.count - a.count);
  }
}
