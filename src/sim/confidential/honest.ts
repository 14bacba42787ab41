/** Honest clients of a confidential space, through the real library: every operation there is, at random. */
import type { Prng } from '../../base/index.js';
import { any, formal, type Entry, type Space, type TemplateInput } from '../../client/index.js';
import { double, type PlainTuple } from '../../codec/index.js';
import type { OpenedTuples } from '../checkers/opened-tuples.js';
import type { SimulatedCluster } from '../cluster/simulated-cluster.js';
import { sampleProtections } from './lies.js';

/** In every protected value of honest clients. */
export const hushText = 'hush!';

export interface HonestParts {
  readonly cluster: SimulatedCluster;
  readonly name: string;
  readonly space: string;
  readonly random: Prng;
  readonly opened: OpenedTuples;
}

const everything: TemplateInput = [any, any, any, any, any, any];
const keys = 4;

export class Honest {
  readonly #parts: HonestParts;
  readonly #space: Space;
  #inserted = 0;
  /** Of calls; subscriptions aside. */
  calls = 0;
  failures = 0;

  constructor(parts: HonestParts) {
    this.#parts = parts;
    this.#space = parts.cluster.client(parts.name).space(parts.space, { protect: sampleProtections });
  }

  async work(operations: number): Promise<void> {
    const { cluster, random } = this.#parts;
    for (let done = 0; done < operations; done++) {
      await cluster.sleep(random.below(1_500));
      await this.attempt();
    }
  }

  /** One operation. */
  async attempt(): Promise<void> {
    const { name, opened, random } = this.#parts;
    const kind = random.pick(kinds);
    this.calls++;
    try {
      for (const entry of await this.#run(kind)) opened.reads(name, entry);
    } catch (error) {
      this.failures++;
      opened.fails(name, kind, error);
    }
  }

  /** Everything that it may read. */
  async readAll(): Promise<Entry[]> {
    const entries = await this.#space.rdAll(everything);
    for (const entry of entries) this.#parts.opened.reads(this.#parts.name, entry);
    return entries;
  }

  /** Until the signal. */
  async listen(signal: AbortSignal): Promise<void> {
    const { name, opened } = this.#parts;
    while (!signal.aborted) {
      try {
        for await (const { kind, entry } of this.#space.subscribe(everything, { signal }))
          if (kind !== 'repaired') opened.reads(name, entry);
      } catch (error) {
        if (signal.aborted) return;
        opened.fails(name, 'subscribe', error);
        await this.#parts.cluster.sleep(500);
      }
    }
  }

  #tuple(): PlainTuple {
    const { name, opened, random } = this.#parts;
    const mark = `${hushText}${name}/${++this.#inserted}`;
    const tuple: PlainTuple = [
      'job',
      `${hushText}key ${random.below(keys)}`,
      double(random.below(9) / 2),
      mark,
      new TextEncoder().encode(mark),
      random.chance(1, 2),
    ];
    opened.inserts(name, tuple);
    return tuple;
  }

  #template(): TemplateInput {
    const { random } = this.#parts;
    const first = random.pick(['job', any, formal.string]);
    const key = random.pick([any, any, formal.string, `${hushText}key ${random.below(keys)}`]);
    return [first, key, any, any, random.pick([any, formal.bytes]), any];
  }

  async #run(kind: (typeof kinds)[number]): Promise<readonly Entry[]> {
    const { random } = this.#parts;
    const space = this.#space;
    const some = (entry: Entry | null): readonly Entry[] => (entry === null ? [] : [entry]);
    const timeout = random.between(1_000, 5_000);
    const lease = random.chance(1, 2) ? { lease: random.between(20_000, 50_000) } : {};
    switch (kind) {
      case 'out':
        return [await space.out(this.#tuple(), lease)];
      case 'rdp':
        return some(await space.rdp(this.#template()));
      case 'inp':
        return some(await space.inp(this.#template()));
      case 'rd':
        return some(await space.rd(this.#template(), { timeout }));
      case 'in':
        return some(await space.in(this.#template(), { timeout }));
      case 'rdAll':
        return space.rdAll(this.#template(), { limit: random.below(4) });
      case 'inAll':
        return space.inAll(this.#template(), { limit: random.between(1, 3) });
      case 'cas':
        return some((await space.cas(this.#template(), this.#tuple(), lease)).entry);
      case 'replace':
        return some(await space.replace(this.#template(), this.#tuple(), lease));
      case 'renew':
        return some(await space.renew(this.#template(), random.between(20_000, 50_000)));
      case 'count':
        await space.count(this.#template());
        return [];
    }
  }
}

const kinds = [
  ...(['out', 'out', 'out', 'out', 'rdp', 'rdp', 'inp', 'rd', 'in', 'rdAll', 'rdAll'] as const),
  ...(['inAll', 'cas', 'cas', 'replace', 'renew', 'count'] as const),
];
