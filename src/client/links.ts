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
  /** f+1 replicas do not know this client and no f+1 welcome it; or that is over. */
  refused(isRefused: boolean): void;
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

/** A replica that lags may not know yet whom the others have registered: it is asked so often before it is believed. */
const unknownStreamsMin = 4;

export class Links {
  readonly changes = new Changes();
  readonly #links: readonly Link[];
  readonly #events: LinksEvents;
  #isRefused = false;
  /** Answers to status requests that are waited for. */
  readonly #statuses = new Map<number, StatusReply | null>();
  #lastRequest = 0;

  constructor({ cluster, key, dial, random }: LinksOptions, events: LinksEvents) {
    const { clusterId } = cluster;
    this.#events = events;
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
            changed: () => this.#onChanged(),
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

  /** Those that are connected. */
  up(): ReplicaId[] {
    return this.#links.filter((link) => link.isUp).map(({ replica }) => replica.id);
  }

  get upCount(): number {
    return this.#links.filter((link) => link.isUp).length;
  }

  /** One for each replica that is not connected. */
  problems(): ReplicaProblem[] {
    return this.#links.filter((link) => !link.isUp).map(problemOf);
  }

  /** So many replicas decide something: a correct one is among them. */
  get needed(): number {
    return Math.floor((this.#links.length - 1) / 3) + 1;
  }

  /** Whether f+1 replicas refuse this client with that code; for good, as far as one can tell, or just now. */
  isCommonNotice(code: string, isForGood = true): boolean {
    const streamsMin = isForGood && code === 'UNKNOWN_CLIENT' ? unknownStreamsMin : 1;
    const refusing = this.#links.filter(
      (link) => !link.isUp && link.notice === code && link.noticeStreams >= streamsMin,
    );
    return refusing.length >= this.needed;
  }

  #onChanged(): void {
    const isRefused = this.upCount < this.needed && this.isCommonNotice('UNKNOWN_CLIENT');
    if (isRefused !== this.#isRefused) {
      this.#isRefused = isRefused;
      this.#events.refused(isRefused);
    }
    this.changes.notify();
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
