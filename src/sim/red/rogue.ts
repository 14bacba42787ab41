/** A coordinator without a database that does as it likes: what the policy of the space lets it do must harm nobody. */
import type { Prng } from '../../base/index.js';
import { any, type Space, type TemplateInput, type TupleInput } from '../../client/index.js';
import type { MemberId } from '../../red/index.js';
import type { SimulatedCluster } from '../cluster/simulated-cluster.js';

const states = ['STOPPED', 'COPIER', 'WRITER'] as const;

export class Rogue {
  readonly #cluster: SimulatedCluster;
  readonly #name: string;
  readonly #space: Space;
  readonly #random: Prng;
  #isActive = false;
  #ids: readonly MemberId[] = [];

  constructor(cluster: SimulatedCluster, name: string, space: string, random: Prng) {
    this.#cluster = cluster;
    this.#name = name;
    this.#space = cluster.client(name).space(space);
    this.#random = random;
  }

  start(ids: readonly MemberId[]): void {
    this.#isActive = true;
    this.#ids = ids;
    this.#later();
  }

  stop(): void {
    this.#isActive = false;
  }

  #later(): void {
    this.#cluster.world.simulator.schedule(this.#random.between(50_000, 1_500_000), () => {
      if (!this.#isActive) return;
      // Mostly refused, and whatever becomes of it is not its concern.
      this.#try().catch(() => undefined);
      this.#later();
    });
  }

  /** Its own tuples a little more often, since those it may insert. */
  #id(): MemberId {
    return this.#random.chance(1, 2) ? this.#name : this.#random.pick(this.#ids);
  }

  #tuple(): TupleInput {
    const id = this.#id();
    const kind = this.#random.pick([...states, 'SYNC', 'RELEASE', 'ADDRESS'] as const);
    // Without itself: as the writer it could put anything on record, and so lose what was acknowledged.
    if (kind === 'SYNC') return ['SYNC', this.#random.between(1, 200), `/${this.#random.pick(this.#ids)}/`];
    if (kind === 'RELEASE') return ['RELEASE', id, this.#random.between(1, 200)];
    if (kind === 'ADDRESS') return ['ADDRESS', id, 'nowhere:1'];
    return ['REPLICA', id, kind];
  }

  #template(): TemplateInput {
    return this.#tuple().map((field, index) => (index > 0 && this.#random.chance(1, 4) ? any : field));
  }

  async #try(): Promise<unknown> {
    const lease = this.#random.pick([3_000, 10_000, 60_000]);
    switch (this.#random.below(6)) {
      case 0:
      case 1:
        return this.#space.out(this.#tuple(), { lease });
      case 2:
        return this.#space.inp(this.#template());
      case 3: {
        const wanted = this.#random.chance(1, 2) ? ['REPLICA', any, 'WRITER'] : this.#template();
        return this.#space.cas(wanted, this.#tuple(), { lease });
      }
      case 4:
        return this.#space.renew(this.#template(), lease);
      default:
        return this.#space.replace(this.#template(), this.#tuple());
    }
  }
}
