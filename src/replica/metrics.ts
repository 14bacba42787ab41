/**
 * Prometheus metrics of one replica. Nothing on a hot path: the runtime counts in plain numbers, and they are
 * read when somebody scrapes.
 */
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import type { ReplicaId } from '../base/index.js';
import type { RefusalCount } from '../codec/index.js';
import type { ReplicaStatus } from '../ordering/index.js';
import type { Suspicions } from './suspicions.js';
import type { Tally } from './tally.js';

/** Plain counters that the runtime's watch keeps. */
export interface ReplicaCounts {
  batches: number;
  operations: number;
  readonly drops: Tally;
  readonly evidence: Tally;
  readonly events: Tally;
  readonly suspicions: Suspicions;
}

export interface MetricsSources {
  readonly counts: ReplicaCounts;
  status(): ReplicaStatus;
  peersConnected(): number;
  clientsConnected(): number;
  /** Bytes waiting to be sent, by replica. */
  queuedBytes(): ReadonlyMap<ReplicaId, number>;
  refusals(): readonly RefusalCount[];
  /** Null: nothing is kept on disk, or it is not known yet. */
  diskFreeBytes(): number | null;
  isDiskFull(): boolean;
}

function counter(registry: Registry, name: string, help: string, value: () => number): void {
  new Counter({
    name,
    help,
    registers: [registry],
    collect() {
      this.reset();
      this.inc(value());
    },
  });
}

function tallyCounter(registry: Registry, name: string, help: string, label: string, tally: Tally): void {
  new Counter({
    name,
    help,
    labelNames: [label],
    registers: [registry],
    collect() {
      this.reset();
      for (const [key, total] of Object.entries(tally.totals())) this.inc({ [label]: key }, total);
    },
  });
}

function refusalCounter(registry: Registry, refusals: () => readonly RefusalCount[]): void {
  new Counter({
    name: 'theodora_refusals_total',
    help: 'Operations that the service refused.',
    labelNames: ['code', 'client', 'space'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { code, client, space, count } of refusals()) this.inc({ code, client, space }, count);
    },
  });
}

function suspicionCounter(registry: Registry, suspicions: Suspicions): void {
  new Counter({
    name: 'theodora_suspicions_total',
    help: 'Misbehaviour that this replica has seen, by replica and of all clients.',
    labelNames: ['peer', 'reason'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { peer, reason, count } of suspicions.totals()) this.inc({ peer, reason }, count);
    },
  });
}

function gauge(registry: Registry, name: string, help: string, value: () => number): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(value());
    },
  });
}

function labelledGauge(
  registry: Registry,
  name: string,
  help: string,
  label: string,
  values: () => Iterable<readonly [string | number, number]>,
): void {
  new Gauge({
    name,
    help,
    labelNames: [label],
    registers: [registry],
    collect() {
      this.reset();
      for (const [key, value] of values()) this.set({ [label]: key }, value);
    },
  });
}

export function createMetrics({ counts, status, ...sources }: MetricsSources): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  counter(registry, 'theodora_batches_total', 'Batches executed since start.', () => counts.batches);
  counter(registry, 'theodora_operations_total', 'Operations executed since start.', () => counts.operations);
  tallyCounter(registry, 'theodora_drops_total', 'Input and output dropped.', 'reason', counts.drops);
  tallyCounter(
    registry,
    'theodora_evidence_total',
    'Proven misbehaviour of others.',
    'code',
    counts.evidence,
  );
  tallyCounter(
    registry,
    'theodora_events_total',
    'View changes, state transfer, rejoin.',
    'event',
    counts.events,
  );
  suspicionCounter(registry, counts.suspicions);
  refusalCounter(registry, () => sources.refusals());
  gauge(registry, 'theodora_view', 'Number of the view.', () => status().view);
  gauge(registry, 'theodora_active', '1 outside view changes.', () => Number(status().isActive));
  gauge(registry, 'theodora_observer', '1 while the replica may not vote.', () =>
    Number(status().isObserver),
  );
  gauge(registry, 'theodora_executed', 'Last executed sequence number.', () => status().executed);
  gauge(registry, 'theodora_stable_checkpoint', 'Last stable checkpoint.', () => status().stableCheckpoint);
  gauge(registry, 'theodora_pending_envelopes', 'Envelopes not executed yet.', () => status().pending);
  gauge(registry, 'theodora_peers_connected', 'Links to other replicas.', () => sources.peersConnected());
  gauge(registry, 'theodora_clients_connected', 'Streams of clients.', () => sources.clientsConnected());
  gauge(
    registry,
    'theodora_disk_free_bytes',
    'Room left where the data directory is.',
    () => sources.diskFreeBytes() ?? NaN,
  );
  gauge(registry, 'theodora_disk_full', '1 while clients are refused for want of room.', () =>
    Number(sources.isDiskFull()),
  );
  labelledGauge(registry, 'theodora_queued_bytes', 'Waiting to be sent.', 'peer', () =>
    sources.queuedBytes(),
  );
  labelledGauge(registry, 'theodora_size', 'Sizes that stay bounded.', 'name', () =>
    Object.entries(status().sizes),
  );
  return registry;
}
