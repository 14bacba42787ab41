/** States as a replica hands them to its storage, made of pages that a test chooses. */
import { PageTree, replicaId, sequenceNumber, type PageSnapshot } from '../../src/base/index.js';
import { sha256 } from '../../src/crypto/index.js';
import { stateDigestOf, type SavedState, type StateToSave } from '../../src/ordering/index.js';

export class StateMaker {
  readonly ordering = new PageTree(sha256);
  readonly application = new PageTree(sha256);
  #checkpoint = 0;

  /** The state of the next checkpoint. */
  next(): StateToSave {
    this.#checkpoint += 128;
    return stateOf(this.#checkpoint, this.ordering.snapshot(), this.application.snapshot());
  }
}

export function stateOf(checkpoint: number, ordering: PageSnapshot, application: PageSnapshot): StateToSave {
  const stateDigest = stateDigestOf(sha256, ordering.root, application.root);
  const signatures = [0, 1, 2].map((id) => ({
    replica: replicaId(id),
    signature: new Uint8Array(64).fill(id),
  }));
  const certificate = { sequenceNumber: sequenceNumber(checkpoint), stateDigest, signatures };
  return { certificate, ordering, application };
}

/** The saved state as it has to come back. */
export const expected = ({ certificate, ordering, application }: StateToSave): SavedState => ({
  certificate,
  ordering: ordering.pages,
  application: application.pages,
});
