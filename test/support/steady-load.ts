/** A simulated cluster under a closed loop of clients, for what is about throughput; one seed decides everything. */
import { prng, replicaId, type ReplicaId } from '../../src/base/index.js';
import type { OrderingConfig } from '../../src/ordering/index.js';
import { defaultCheckSettings } from '../../src/sim/checks.js';
import { driftingClockError, perfectClock } from '../../src/sim/clock.js';
import { calmLinks, type LinkProfile } from '../../src/sim/network.js';
import { leaseLimitsOf } from '../../src/sim/parameters.js';
import { Workload, type WorkloadProfile } from '../../src/sim/workload.js';
import { withAdversaries } from '../../src/sim/byzantine/index.js';
import { World } from '../../src/sim/world.js';

export interface SteadyOptions {
  readonly seed?: number;
  readonly clients?: number;
  readonly config?: Partial<OrderingConfig>;
  readonly links?: LinkProfile;
  readonly syncUsMax?: number;
  readonly workload?: Partial<WorkloadProfile>;
  /** What replica 0, the first primary, does. */
  readonly adversary?: readonly string[];
}

export const usualLoad: WorkloadProfile = {
  operations: 1_000_000_000,
  concurrency: 2,
  thinkUsMax: 0,
  timeoutMsMin: 10_000,
  timeoutMsMax: 10_000,
  fastReadPercent: 0,
  keys: 10,
  leasePercent: 0,
  leaseMsMin: 3_000,
  leaseMsMax: 3_000,
  waitPercent: 0,
  waitMsMax: 1_000,
  hasAllTypes: false,
};

export class SteadyLoad {
  readonly world: World;
  readonly workload: Workload;
  /** Reasons of view changes, with who started them. */
  readonly changes: { readonly replica: ReplicaId; readonly reason: string; readonly atMs: number }[] = [];

  constructor(options: SteadyOptions = {}) {
    const { seed = 1, clients = 4, config = {}, links = calmLinks, syncUsMax = 1_000 } = options;
    const adversaries = new Map(options.adversary === undefined ? [] : [[replicaId(0), options.adversary]]);
    this.world = new World({
      tampering: withAdversaries(adversaries, prng(seed).stream('byzantine')),
      seed,
      n: 4,
      clients,
      config,
      clientSettings: {},
      links,
      storage: { syncUsMin: syncUsMax >> 3, syncUsMax, isDurable: false, segmentBytes: 1 << 16 },
      replicaClock: () => perfectClock,
      clientClock: (client) => driftingClockError(prng(seed).stream(`clock of client ${client}`)),
      clockErrorMaxMs: 25,
      leaseLimits: leaseLimitsOf(500),
      eventsPerSpaceMax: 64,
      tickUs: 5_000,
      breakNoticeUs: 1_000,
      checks: { ...defaultCheckSettings, searchMax: 0 },
    });
    this.workload = new Workload(this.world, this.world.random.stream('workload'), {
      ...usualLoad,
      ...options.workload,
    });
    for (const [replica, names] of adversaries) this.world.byzantine.set(replica, names.join(' '));
    this.world.onNoticed = (replica, text) => {
      const reason = /^view-change-started .*reason=(\S+)/.exec(text)?.[1];
      if (reason !== undefined) this.changes.push({ replica, reason, atMs: this.world.simulator.nowMs });
    };
    this.world.start();
    this.world.simulator.run(1_000_000);
    this.workload.start();
    this.workload.allow(1_000_000_000);
  }

  /** Every PRE-PREPARE of this replica is late by so much. */
  slowDown(primary: number, delayUs: number): void {
    this.world.filter = ({ from, message, deliver }) => {
      if (from !== primary || message.kind !== 'prePrepare') return false;
      this.world.simulator.schedule(delayUs, deliver);
      return true;
    };
  }

  /** Operations answered per second over this time. */
  throughput(durationMs: number): number {
    const before = this.workload.finished;
    this.world.simulator.run(durationMs * 1_000);
    return ((this.workload.finished - before) * 1_000) / durationMs;
  }

  get view(): number {
    return Math.max(...this.world.replicas.map(({ core }) => core.status().view));
  }

  reasons(): readonly string[] {
    return [...new Set(this.changes.map(({ reason }) => reason))];
  }

  /** Everything to and from this replica takes so much longer. */
  lag(replica: number, delayUs: number): void {
    this.world.filter = ({ from, to, deliver }) => {
      if (from !== replica && to !== replica) return false;
      this.world.simulator.schedule(delayUs, deliver);
      return true;
    };
  }
}
