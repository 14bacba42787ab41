/**
 * An OPEN under way (DESIGN section 2, "Exactly once, by session"): one envelope with one nonce, sent to
 * every replica and repeated until f+1 replicas name the same session for that nonce. Here a replica's
 * latest answer counts: f+1 replicas that ever named a session include a correct one, so it exists.
 */
import { equalBytes } from '../base/index.js';
import type { ReplicaId, SessionId } from '../base/index.js';
import type { Opened } from '../codec/index.js';
import type { Retransmission } from './alarm.js';

export class Opening {
  readonly nonce: Uint8Array;
  readonly bytes: Uint8Array;
  readonly retransmission: Retransmission;
  readonly #answers: (SessionId | undefined)[] = [];

  constructor(nonce: Uint8Array, bytes: Uint8Array, retransmission: Retransmission) {
    this.nonce = nonce;
    this.bytes = bytes;
    this.retransmission = retransmission;
  }

  /** The session (0: refused) once f+1 replicas agree, else null. */
  onOpened(from: ReplicaId, opened: Opened, weakQuorumSize: number): SessionId | null {
    if (!equalBytes(opened.nonce, this.nonce)) return null;
    this.#answers[from] = opened.session;
    const votes = this.#answers.filter((session) => session === opened.session).length;
    return votes >= weakQuorumSize ? opened.session : null;
  }
}
