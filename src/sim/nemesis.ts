/**
 * The one who breaks things, at random but within the fault model: links are cut and mended at will, and at
 * most f replicas are faulty at a time, where a restarted replica counts until it votes again. But any number of
 * processes may end at once and remember what was durable. In some runs it cuts off one primary after the other, and has
 * replicas lose their logs while the others are on their way to the next view.
 */
import type { Prng, ReplicaId } from '../base/index.js';
import type { ReplicaStatus } from '../ordering/index.js';
import type { LinkProfile } from './network.js';
import type { World } from './world.js';

const strikes = [
  'partition',
  'isolate',
  'cut',
  'crash',
  'blackout',
  'pause',
  'storm',
  'break-streams',
] as const;
type Strike = (typeof strikes)[number];

/** All that may go wrong in a random run; Byzantine replicas and clients are so from the start. */
export const faultKinds = [...strikes, 'lost-logs', 'byzantine', 'outlaws'] as const;
export type FaultKind = (typeof faultKinds)[number];

export const isStrike = (kind: FaultKind): kind is Strike => strikes.some((strike) => strike === kind);

export interface NemesisProfile {
  readonly kinds: readonly Strike[];
  /** Pause between two faults. */
  readonly intervalUsMin: number;
  readonly intervalUsMax: number;
  /** How long a fault lasts. */
  readonly durationUsMin: number;
  readonly durationUsMax: number;
  /** Links during a storm. */
  readonly storm: LinkProfile;
  /** Replicas lose their logs in view changes that it brings about. */
  readonly losesLogs: boolean;
}

/** Between two looks at whether a view change is under way, and between two that it brings about. */
const lookUsMax = 20_000;
const cutOffUsMax = 2_000_000;

export class Nemesis {
  readonly #world: World;
  readonly #random: Prng;
  /** For lost logs. */
  readonly #logs: Prng;
  readonly #profile: NemesisProfile;
  readonly #usual: LinkProfile;
  #isActive = false;
  /** Counts network faults, so that the end of an old one does not end a newer one. */
  #networkFaults = 0;
  #storms = 0;

  constructor(world: World, random: Prng, profile: NemesisProfile, usual: LinkProfile) {
    this.#world = world;
    this.#random = random;
    this.#logs = random.stream('lost logs');
    this.#profile = profile;
    this.#usual = usual;
  }

  start(): void {
    this.#isActive = true;
    if (this.#profile.kinds.length > 0) this.#later();
    if (!this.#profile.losesLogs) return;
    this.#loseLogsLater();
    this.#cutOffPrimaryLater();
  }

  /** Everything broken is repaired and nothing breaks any more; `calm` is how the links are from now on. */
  stop(calm: LinkProfile): void {
    this.#isActive = false;
    this.#world.network.heal();
    this.#world.network.setProfile(calm);
    for (const { id } of this.#world.replicas) this.#recover(id);
  }

  #later(): void {
    const { intervalUsMin, intervalUsMax } = this.#profile;
    this.#world.simulator.schedule(this.#random.between(intervalUsMin, intervalUsMax), () => {
      if (!this.#isActive) return;
      this.#strike(this.#random.pick(this.#profile.kinds));
      this.#later();
    });
  }

  #strike(kind: Strike): void {
    const { trace, simulator } = this.#world;
    trace.record(simulator.nowUs, -1, `fault ${kind}`);
    switch (kind) {
      case 'partition':
        return this.#breakNetwork(() => this.#partition());
      case 'isolate':
        return this.#breakNetwork(() => this.#isolate(this.#random.below(this.#world.n), this.#random));
      case 'cut':
        return this.#breakNetwork(() => this.#cutSome());
      case 'crash':
        return this.#crash();
      case 'blackout':
        return this.#blackout();
      case 'pause':
        return this.#pause();
      case 'storm':
        return this.#storm();
      case 'break-streams':
        return this.#breakStreams();
    }
  }

  #breakNetwork(apply: () => void): void {
    const fault = ++this.#networkFaults;
    this.#world.network.heal();
    apply();
    this.#world.simulator.schedule(this.#durationUs(), () => {
      if (fault === this.#networkFaults) this.#world.network.heal();
    });
  }

  /** Every node, clients too, on one of two sides. */
  #partition(): void {
    const sides: [number[], number[]] = [[], []];
    for (let node = 0; node < this.#nodes(); node++) sides[this.#random.below(2) as 0 | 1].push(node);
    this.#world.network.partition(sides);
  }

  /** One replica alone, in both directions or in one. */
  #isolate(victim: number, random: Prng): void {
    const way = random.below(3);
    for (let node = 0; node < this.#nodes(); node++) {
      if (way !== 1) this.#world.network.cut(victim, node);
      if (way !== 2) this.#world.network.cut(node, victim);
    }
  }

  /** Some directed links, at random. */
  #cutSome(): void {
    const oneIn = this.#random.between(2, 6);
    for (let from = 0; from < this.#nodes(); from++)
      for (let to = 0; to < this.#nodes(); to++)
        if (this.#random.chance(1, oneIn)) this.#world.network.cut(from, to);
  }

  #crash(): void {
    const victim = this.#victim();
    if (victim === null) return;
    this.#world.stopReplica(victim);
    this.#world.simulator.schedule(this.#durationUs(), () => {
      this.#damageDisk(victim);
      this.#recover(victim);
    });
  }

  /** All or some processes end at the same instant, and come back one by one. */
  #blackout(): void {
    const sound = this.#world.correctReplicas().filter(({ isRunning, disk }) => isRunning && disk !== null);
    const oneIn = this.#random.pick([1, 1, 2, 3]);
    for (const { id } of sound) {
      if (!this.#random.chance(1, oneIn)) continue;
      this.#world.stopReplica(id);
      this.#world.simulator.schedule(this.#durationUs(), () => {
        const { disk, isRunning } = this.#world.replicas[id]!;
        if (!isRunning && this.#random.chance(1, 2)) disk?.flipBit();
        this.#recover(id);
      });
    }
  }

  /** One after the other, as soon as the last one votes again: where it does that too early, too many votes are forgotten. */
  #loseLogsLater(): void {
    this.#world.simulator.schedule(this.#logs.between(1, lookUsMax), () => {
      if (!this.#isActive) return;
      if (this.#isViewChanging()) this.#loseLog();
      this.#loseLogsLater();
    });
  }

  /** Some replica has left a view and has not got into the next. */
  #isViewChanging(): boolean {
    return this.#statuses().some(({ isActive, isObserver }) => !isActive && !isObserver);
  }

  #statuses(): ReplicaStatus[] {
    const live = this.#world.correctReplicas().filter(({ isLive }) => isLive);
    return live.map(({ core }) => core.status());
  }

  #loseLog(): void {
    const { byzantine, f } = this.#world;
    const correct = this.#world.replicas.filter(({ id, isLive }) => isLive && !byzantine.has(id));
    const isFree = this.#world.faultyCount() < f;
    // One that does not vote yet may lose its log again.
    const observing = correct.filter(({ id }) => this.#world.isFaulty(id));
    const victims = isFree ? correct : this.#logs.chance(1, 64) ? observing : [];
    if (victims.length === 0) return;
    const victim = this.#logs.pick(victims).id;
    this.#world.stopReplica(victim);
    this.#world.simulator.schedule(this.#logs.between(1, lookUsMax), () => {
      const { disk, isRunning } = this.#world.replicas[victim]!;
      if (!isRunning) disk?.damage('all');
      this.#recover(victim);
    });
  }

  #cutOffPrimaryLater(): void {
    this.#world.simulator.schedule(this.#logs.between(1, cutOffUsMax), () => {
      if (!this.#isActive) return;
      const view = Math.max(0, ...this.#statuses().map((status) => status.view));
      this.#breakNetwork(() => this.#isolate(view % this.#world.n, this.#logs));
      this.#cutOffPrimaryLater();
    });
  }

  /** Only where the replica counts as faulty anyway. */
  #damageDisk(victim: ReplicaId): void {
    const { disk, isRunning } = this.#world.replicas[victim]!;
    if (disk === null || isRunning || this.#world.faultyCount() > this.#world.f) return;
    const draw = this.#random.below(4);
    if (draw < 2) disk.damage(draw === 0 ? 'all' : 'state');
    else disk.flipBit();
  }

  #pause(): void {
    const victim = this.#victim();
    if (victim === null) return;
    this.#world.replicas[victim]!.pause();
    this.#world.simulator.schedule(this.#durationUs(), () => this.#recover(victim));
  }

  /** A correct replica that may become faulty, or null if there are f already. */
  #victim(): ReplicaId | null {
    if (this.#world.faultyCount() >= this.#world.f) return null;
    const sound = this.#world.replicas.filter(({ id }) => !this.#world.isFaulty(id));
    return this.#random.pick(sound).id;
  }

  #recover(replica: ReplicaId): void {
    const host = this.#world.replicas[replica]!;
    if (host.isPaused) host.resume();
    else if (!host.isRunning && !this.#world.byzantine.has(replica)) this.#world.restartReplica(replica);
  }

  #storm(): void {
    const storm = ++this.#storms;
    this.#world.network.setProfile(this.#profile.storm);
    this.#world.simulator.schedule(this.#durationUs(), () => {
      if (storm === this.#storms && this.#isActive) this.#world.network.setProfile(this.#usual);
    });
  }

  #breakStreams(): void {
    for (const { streams } of this.#world.endpoints)
      for (const { id } of this.#world.replicas) if (this.#random.chance(1, 2)) streams.disconnect(id);
  }

  #nodes(): number {
    return this.#world.n + this.#world.endpoints.length;
  }

  #durationUs(): number {
    return this.#random.between(this.#profile.durationUsMin, this.#profile.durationUsMax);
  }
}
