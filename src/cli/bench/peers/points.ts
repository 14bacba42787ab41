/** What is asked of Theodora and of its peers, in which order. */
import type { LoadName } from '../loads.js';

export type System = 'theodora' | 'zookeeper' | 'etcd';

export interface PeerPoint {
  readonly system: System;
  readonly load: LoadName;
  /** What it is called there. */
  readonly operation: string;
  readonly concurrency: number;
  /** Writes are compared with writes, reads with reads. */
  readonly kind: 'write' | 'read';
}

const concurrencies = [1, 50, 200] as const;

const asked: readonly Omit<PeerPoint, 'concurrency'>[] = [
  { system: 'theodora', load: 'out', operation: 'out', kind: 'write' },
  { system: 'zookeeper', load: 'out', operation: 'create', kind: 'write' },
  { system: 'etcd', load: 'out', operation: 'put', kind: 'write' },
  { system: 'theodora', load: 'rdp', operation: 'rdp (linearizable)', kind: 'read' },
  { system: 'zookeeper', load: 'rdp at one server', operation: 'getData (at one server)', kind: 'read' },
  { system: 'etcd', load: 'rdp', operation: 'range (linearizable)', kind: 'read' },
  {
    system: 'etcd',
    load: 'rdp at one server',
    operation: 'range (serializable, at one server)',
    kind: 'read',
  },
];

/** Of these systems; what is compared is next to each other. */
export function peerPoints(systems: ReadonlySet<System>): PeerPoint[] {
  return concurrencies.flatMap((concurrency) =>
    (['write', 'read'] as const).flatMap((kind) =>
      asked
        .filter((each) => each.kind === kind && systems.has(each.system))
        .map((each) => ({ ...each, concurrency })),
    ),
  );
}

/** Theodora's counterpart. */
export const counterpartOf = (
  { kind, concurrency, system }: PeerPoint,
  points: readonly PeerPoint[],
): number =>
  system === 'theodora'
    ? -1
    : points.findIndex(
        (other) => other.system === 'theodora' && other.kind === kind && other.concurrency === concurrency,
      );
