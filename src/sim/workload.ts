/**
 * Random clients: each keeps a few operations open on a small set of tuples, so that they meet, and thinks
 * a little in between. Everything asked and answered is in the world's history.
 */
import type { Prng } from '../base/index.js';
import { any, double, formal, normalizeField } from '../codec/index.js';
import type { Operation, PlainField, Template, TemplateField, Tuple } from '../codec/index.js';
import type { ClientHost } from './client-host.js';
import type { HistoryEntry } from './history.js';
import type { World } from './world.js';

export interface WorkloadProfile {
  /** Operations over all clients. */
  readonly operations: number;
  /** Open at the same time, per client. */
  readonly concurrency: number;
  readonly thinkUsMax: number;
  readonly timeoutMsMin: number;
  readonly timeoutMsMax: number;
  /** Share of the reads that may be answered without ordering, in percent. */
  readonly fastReadPercent: number;
  readonly keys: number;
  /** Share of insertions that carry a lease, in percent, and how long such a lease usually is. */
  readonly leasePercent: number;
  readonly leaseMsMin: number;
  readonly leaseMsMax: number;
  /** Share of the operations that wait, in percent, and how long at most. */
  readonly waitPercent: number;
  readonly waitMsMax: number;
  /** Values of every type beside integers, asked for by type and by value. */
  readonly hasAllTypes: boolean;
}

const spaceName = 'default';

/** Among them such as differ in nothing but their type, and the ends of each. */
const values: readonly PlainField[] = [
  ...[0, 1, 2n ** 63n - 1n, -(2n ** 63n), double(0), double(1), double(Infinity)],
  ...[0.1, 5e-324, double(-1.5e300), '', '0', '1', '\u{1f600}', true, false],
  ...[Uint8Array.of(), Uint8Array.of(0), Uint8Array.of(1), Uint8Array.of(0xff, 0)],
].map((value) => normalizeField(value));

export class Workload {
  readonly #world: World;
  readonly #random: Prng;
  readonly #profile: WorkloadProfile;
  readonly #values: Prng;
  #issued = 0;
  #finished = 0;
  /** No new operation is issued beyond this. */
  #limit = 0;
  /** Slots of clients that wait for a higher limit. */
  readonly #idle: ClientHost[] = [];

  constructor(world: World, random: Prng, profile: WorkloadProfile) {
    this.#world = world;
    this.#random = random;
    this.#profile = profile;
    this.#values = random.stream('values');
  }

  get issued(): number {
    return this.#issued;
  }

  get finished(): number {
    return this.#finished;
  }

  get isIdle(): boolean {
    return this.#issued >= this.#limit && this.#finished === this.#issued;
  }

  start(): void {
    for (const client of this.#world.clients)
      for (let slot = 0; slot < this.#profile.concurrency; slot++) this.#idle.push(client);
  }

  /** Lets the clients go on until so many operations have been issued in all. */
  allow(operations: number): void {
    this.#limit = operations;
    for (const client of this.#idle.splice(0)) this.#next(client);
  }

  #next(client: ClientHost): void {
    if (this.#issued >= this.#limit) {
      this.#idle.push(client);
      return;
    }
    this.#issued++;
    const thinkUs = this.#random.below(this.#profile.thinkUsMax + 1);
    this.#world.simulator.schedule(thinkUs, () => this.#issue(client));
  }

  #issue(client: ClientHost): void {
    let operation = this.#draw();
    while (client.isOpen(operation)) operation = this.#draw();
    const isRead = operation.kind === 'rdp' || operation.kind === 'rdAll' || operation.kind === 'count';
    const isFast = isRead && this.#random.chance(this.#profile.fastReadPercent, 100);
    const timeoutMs = this.#random.between(this.#profile.timeoutMsMin, this.#profile.timeoutMsMax);
    const entry = client.call(operation, isFast, timeoutMs, () => this.#done(client));
    if (operation.kind === 'rd' || operation.kind === 'in')
      this.#cancelSometimes(client, entry, operation.timeout);
  }

  /** What waits without end is cancelled sooner or later, the rest now and then; a cancel may come too late. */
  #cancelSometimes(client: ClientHost, entry: HistoryEntry, timeout: number | null): void {
    if (timeout !== null && this.#random.chance(3, 4)) return;
    this.#world.simulator.schedule(this.#random.between(1_000, 3_000_000), () => this.#cancel(client, entry));
  }

  #cancel(client: ClientHost, entry: HistoryEntry): void {
    if (entry.outcome !== null) return;
    const again = (): void => {
      this.#world.simulator.schedule(this.#random.between(10_000, 500_000), () =>
        this.#cancel(client, entry),
      );
    };
    const name = entry.waitsAs;
    if (name === null) return again();
    const operation: Operation = { kind: 'cancel', space: spaceName, ...name };
    if (client.isOpen(operation)) return again();
    client.call(operation, false, this.#profile.timeoutMsMax, again);
  }

  #done(client: ClientHost): void {
    this.#finished++;
    this.#next(client);
  }

  #draw(): Operation {
    const random = this.#random;
    const template = this.#template();
    const space = spaceName;
    if (random.chance(this.#profile.waitPercent, 100)) {
      const timeout = random.chance(1, 4) ? null : random.between(1, this.#profile.waitMsMax);
      return { kind: random.pick(['rd', 'in']), space, template, timeout };
    }
    switch (random.below(this.#profile.leasePercent > 0 ? 19 : 16)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return { kind: 'out', space, tuple: this.#tuple(), lease: this.#maybeLease() };
      case 4:
      case 5:
      case 6:
        return { kind: 'rdp', space, template };
      case 7:
      case 8:
        return { kind: 'inp', space, template };
      case 9:
      case 10:
      case 11:
        return { kind: 'cas', space, template, tuple: this.#tuple(), lease: this.#maybeLease() };
      case 12:
        return { kind: 'replace', space, template, tuple: this.#tuple(), lease: this.#maybeLease() };
      case 13:
        return { kind: 'rdAll', space, template, limit: random.below(4), after: BigInt(random.below(20)) };
      case 14:
        return { kind: 'inAll', space, template, limit: random.below(3) };
      case 15:
        return { kind: 'count', space, template };
      default:
        return { kind: 'renew', space, template, lease: this.#lease() };
    }
  }

  #maybeLease(): number | null {
    return this.#random.chance(this.#profile.leasePercent, 100) ? this.#lease() : null;
  }

  /** Now and then one that is too short, or longer than any. */
  #lease(): number {
    const { leaseMsMin, leaseMsMax } = this.#profile;
    switch (this.#random.below(24)) {
      case 0:
        return this.#random.between(1, leaseMsMin - 1);
      case 1:
        return 1_000 * leaseMsMax;
      default:
        return this.#random.between(leaseMsMin, leaseMsMax);
    }
  }

  #tuple(): Tuple {
    const key = `k${this.#random.below(this.#profile.keys)}`;
    const number = this.#random.below(1_000);
    return [key, this.#hasOtherType(1, 2) ? this.#values.pick(values) : number];
  }

  #hasOtherType(numerator: number, denominator: number): boolean {
    return this.#profile.hasAllTypes && this.#values.chance(numerator, denominator);
  }

  #template(): Template {
    const key = `k${this.#random.below(this.#profile.keys)}`;
    const usual = this.#random.pick([any, formal.int, formal.string]);
    const first: TemplateField = this.#random.chance(1, 6) ? any : { kind: 'value', value: key };
    return [first, this.#hasOtherType(1, 2) ? this.#otherField() : usual];
  }

  #otherField(): TemplateField {
    const ofType = this.#values.pick(Object.values(formal));
    return this.#values.pick([ofType, { kind: 'value', value: this.#values.pick(values) }]);
  }
}
