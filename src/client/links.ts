/** The streams to all replicas, what each last said about itself, and asking each for its status. */
import type { ReplicaId, ViewNumber } from '../base/index.js';
import type { ClientMessage, ServerMessage, StatusReply } from '../codec/index.js';
import type { ClusterDescription, IdentityKey } from '../crypto/index.js';
import { Changes } from './changes.js';
import type { Dial } from './dial.js';
import { Link } from './link.js';

export interface LinksOptions {
  readonly cluster: ClusterDescription;
  readonly key: IdentityKey;
  readonly dial: Dial;
  readonly random: () => number;
}

export interface LinksEvents {
  up(replica: ReplicaId, view: ViewNumber): void;
  down(replica: ReplicaId): void;
  message(from: ReplicaId, message: ServerMessage): void;
}

/** Why a replica does not take part, for error messages. */
export interface ReplicaProblem {
  readonly id: number;
  readonly address: string;
  readonly reason: string;
}

/** One replica's own statement about itself, believed as far as one replica is. */
export type ReplicaStatus =
  | ({ readonly id: number; readonly address: string; readonly reachable: true } & Omit<
      StatusReply,
      'kind' | 'requestId' | 'replica'
    >)
  | ({ readonly reachable: false } & ReplicaProblem);

export class Links {
  readonly changes = new Changes();
  readonly #links: readonly Link[];
  /** Answers to status requests that are waited for. */
  readonly #statuses = new Map<number, StatusReply | null>();
  #lastRequest = 0;

  constructor({ cluster, key, dial, random }: LinksOptions, events: LinksEvents) {
    const { clusterId } = cluster;
    this.#links = cluster.replicas.map(
      (replica) =>
        new Link(
          { clusterId, replica, key, dial, random },
          {
            up: (view) => events.up(replica.id, view),
            down: () => events.down(replica.id),
            message: (message) => {
              if (message.kind === 'statusReply') this.#onStatus(replica.id, message);
              else events.message(replica.id, message);
            },
            changed: () => this.changes.notify(),
          },
        ),
    );
  }

  start(): void {
    for (const link of this.#links) link.start();
  }

  send(to: ReplicaId, message: ClientMessage): void {
    this.#links[to]!.send(message);
  }

  /** End of the turn: what was sent leaves. */
  flush(): void {
    for (const link of this.#links) link.flush();
  }

  get upCount(): number {
    return this.#links.filter((link) => link.isUp).length;
  }

  /** One for each replica that is not connected. */
  problems(): ReplicaProblem[] {
    return this.#links.filter((link) => !link.isUp).map(problemOf);
  }

  /** Whether at least `count` replicas refused this client with that code. */
  commonNotice(code: string, count: number): boolean {
    return this.#links.filter((link) => !link.isUp && link.notice === code).length >= count;
  }

  /** Asks every replica; whoever is not connected by then or does not answer in time is unreachable. */
  status(timeoutMs: number): Promise<ReplicaStatus[]> {
    return Promise.all(this.#links.map((link) => this.#statusOf(link, timeoutMs)));
  }

  async #statusOf(link: Link, timeoutMs: number): Promise<ReplicaStatus> {
    const { id, address } = link.replica;
    const deadlineMs = performance.now() + timeoutMs;
    await this.changes.until(() => link.isUp || link.reason !== null, timeoutMs);
    if (!link.isUp) return { reachable: false, ...problemOf(link) };
    const requestId = ++this.#lastRequest;
    this.#statuses.set(requestId, null);
    link.send({ kind: 'statusRequest', requestId });
    link.flush();
    const leftMs = Math.max(0, deadlineMs - performance.now());
    await this.changes.until(() => this.#statuses.get(requestId) !== null || !link.isUp, leftMs);
    const status = this.#statuses.get(requestId) ?? null;
    this.#statuses.delete(requestId);
    if (status === null) {
      return { id, address, reachable: false, reason: link.reason ?? 'it did not answer in time' };
    }
    const { kind: _kind, requestId: _requestId, replica: _replica, ...rest } = status;
    return { id, address, reachable: true, ...rest };
  }

  #onStatus(from: ReplicaId, status: StatusReply): void {
    if (status.replica !== from || this.#statuses.get(status.requestId) !== null) return;
    this.#statuses.set(status.requestId, status);
    this.changes.notify();
  }

  close(): void {
    for (const link of this.#links) link.close();
  }
}

function problemOf(link: Link): ReplicaProblem {
  const { id, address } = link.replica;
  return { id, address, reason: link.reason ?? 'no answer yet' };
}
