/**
 * All links of this replica, as the runtime sees them: what a turn queues leaves in one frame per peer.
 * A message too large for any frame goes nowhere and is counted.
 */
import type { ReplicaId } from '../../base/index.js';
import type { Drops } from '../tally.js';
import type { PeerLink } from './peer-link.js';

/** Where the runtime sends encoded messages. */
export interface PeerPort {
  send(to: ReplicaId, message: Uint8Array): void;
  broadcast(message: Uint8Array): void;
  /** End of the turn. */
  flush(): void;
}

export class Peers implements PeerPort {
  readonly #links: ReadonlyMap<ReplicaId, PeerLink>;
  readonly #drops: Drops;
  readonly #messageBytesMax: number;

  constructor(links: ReadonlyMap<ReplicaId, PeerLink>, drops: Drops, messageBytesMax: number) {
    this.#links = links;
    this.#drops = drops;
    this.#messageBytesMax = messageBytesMax;
  }

  get connected(): number {
    let count = 0;
    for (const link of this.#links.values()) if (link.isUp) count++;
    return count;
  }

  /** Bytes queued, by replica. */
  queuedBytes(): ReadonlyMap<ReplicaId, number> {
    return new Map([...this.#links].map(([id, link]) => [id, link.sender.queuedBytes]));
  }

  start(): void {
    for (const link of this.#links.values()) link.start();
  }

  /** This replica has just dialled us: it is up, so its link need not wait. */
  nudge(id: ReplicaId): void {
    this.#links.get(id)?.nudge();
  }

  send(to: ReplicaId, message: Uint8Array): void {
    const link = this.#links.get(to);
    if (link !== undefined && this.#fits(message)) this.#push(link, message);
  }

  broadcast(message: Uint8Array): void {
    if (!this.#fits(message)) return;
    for (const link of this.#links.values()) this.#push(link, message);
  }

  flush(): void {
    for (const link of this.#links.values()) link.sender.flush();
  }

  async close(graceMs: number): Promise<void> {
    await Promise.all([...this.#links.values()].map((link) => link.close(graceMs)));
  }

  #push(link: PeerLink, message: Uint8Array): void {
    const dropped = link.sender.push(message);
    if (dropped > 0) this.#drops.add('PEER_QUEUE_FULL', dropped);
  }

  #fits(message: Uint8Array): boolean {
    if (message.length <= this.#messageBytesMax) return true;
    this.#drops.add('MESSAGE_TOO_LARGE');
    return false;
  }
}
