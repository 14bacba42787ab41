/** Clients that contend for a few locks at random: they hold, renew, give back, forget and try again. */
import type { Prng } from '../base/index.js';
import type { ClientHost } from './client-host.js';
import { LockHolder } from './locks.js';
import type { World } from './world.js';

export interface ContenderProfile {
  /** Clients that take part; 0: none. */
  readonly contenders: number;
  readonly locks: number;
  readonly leaseMsMin: number;
  readonly leaseMsMax: number;
  readonly timeoutMs: number;
  readonly thinkUsMax: number;
}

export class Contenders {
  readonly #world: World;
  readonly #random: Prng;
  readonly #profile: ContenderProfile;
  #isStopped = false;
  #openCalls = 0;

  constructor(world: World, random: Prng, profile: ContenderProfile) {
    this.#world = world;
    this.#random = random;
    this.#profile = profile;
  }

  /** Nothing is open any more; after `stop` nothing follows. */
  get isIdle(): boolean {
    return this.#openCalls === 0;
  }

  start(): void {
    for (const client of this.#world.clients.slice(0, this.#profile.contenders)) this.#rest(client, null);
  }

  stop(): void {
    this.#isStopped = true;
  }

  #rest(client: ClientHost, holder: LockHolder | null): void {
    const holds = holder ?? new LockHolder(client, this.#world);
    this.#world.simulator.schedule(this.#random.below(this.#profile.thinkUsMax + 1), () => {
      if (!this.#isStopped) this.#act(client, holds);
    });
  }

  #act(client: ClientHost, holder: LockHolder): void {
    const random = this.#random;
    const { locks, leaseMsMin, leaseMsMax, timeoutMs } = this.#profile;
    this.#openCalls++;
    const done = (): void => {
      this.#openCalls--;
      this.#rest(client, holder);
    };
    if (!holder.isHolding) {
      const leaseMs = random.between(leaseMsMin, leaseMsMax);
      return holder.acquire(`l${random.below(locks)}`, leaseMs, timeoutMs, done);
    }
    const draw = random.below(8);
    if (draw < 4) return holder.renew(done);
    if (draw < 6) return done();
    if (draw < 7) return holder.release(timeoutMs, done);
    holder.forget();
    done();
  }
}
