/** Equal state digests at equal executed sequence numbers, over all correct replicas and forever. */
import type { Digest, SequenceNumber } from '../../base/index.js';
import { violated } from './violation.js';

export class StateDigests {
  readonly #digests = new Map<SequenceNumber, { readonly replica: number; readonly digest: Digest }>();

  observe(replica: number, executed: SequenceNumber, digest: Digest): void {
    const first = this.#digests.get(executed);
    if (first === undefined) this.#digests.set(executed, { replica, digest });
    else if (first.digest !== digest)
      violated('state-digests', `replicas ${first.replica} and ${replica} differ in state after ${executed}`);
  }
}
