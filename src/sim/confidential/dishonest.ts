/** Dishonest clients of a confidential space: inserters who lie about what they seal, and readers who forge repairs. */
import type { Prng } from '../../base/index.js';
import { decodeOperation, type Result, type Template } from '../../codec/index.js';
import type { SimulatedCluster } from '../cluster/simulated-cluster.js';
import type { OpenedTuples } from '../checkers/opened-tuples.js';
import { violated } from '../checkers/violation.js';
import { forgeries } from './forgeries.js';
import { lies, type Lie } from './lies.js';
import { firstShares, type Outlaw, type SealedEntry, type Way } from './outlaw.js';
import { draftTwoKeys } from './two-keys.js';

export interface DishonestParts {
  readonly cluster: SimulatedCluster;
  readonly name: string;
  readonly opened: OpenedTuples;
  readonly outlaw: Outlaw;
  readonly space: string;
  readonly random: Prng;
  readonly dishonest: ReadonlySet<string>;
}

const everything: Template = Array.from({ length: 6 }, () => ({ kind: 'any' }) as const);
const nothing: Template = everything.with(0, { kind: 'value', value: 'no such thing' });

async function someEntry({ outlaw, space, random }: DishonestParts): Promise<{
  readonly entry: SealedEntry;
  readonly shares: ReturnType<typeof firstShares>;
} | null> {
  const after = BigInt(random.below(12));
  const { result, shares } = await outlaw.ask({
    kind: 'rdAll',
    space,
    template: everything,
    limit: 1,
    after,
  });
  const entry = result?.kind === 'entries' ? result.entries[0] : undefined;
  return entry?.sealed === undefined ? null : { entry: entry as SealedEntry, shares: firstShares(shares) };
}

const ways: readonly Way[] = [
  { kind: 'out' },
  { kind: 'out' },
  { kind: 'cas', template: everything },
  { kind: 'cas', template: nothing },
  { kind: 'replace', template: everything },
];

/** Whichever tuple of the two comes out, it has to be the same for everybody. */
function twoKeys({ name, opened, random }: DishonestParts): Lie['draft'] {
  const isDealt = random.chance(2, 3);
  return (kit, origin) => {
    const { tuples, ...drafted } = draftTwoKeys(kit, origin, isDealt);
    for (const tuple of tuples) opened.inserts(name, tuple);
    return drafted;
  };
}

/** Lies in all ways; the honest part of its life is over. */
export async function insertLies(parts: DishonestParts, attempts: number): Promise<void> {
  const { cluster, outlaw, random } = parts;
  for (let done = 0; done < attempts; done++) {
    await cluster.sleep(random.below(4_000));
    const kit = await outlaw.kit();
    if (kit === null) continue;
    // Whatever somebody else sealed, as if it were one's own.
    const copied = random.chance(1, 4) ? await someEntry(parts) : null;
    const draft = random.chance(1, 5) ? twoKeys(parts) : random.pick(lies).draft;
    await outlaw.insert(random.pick(ways), (origin) =>
      copied === null
        ? draft(kit, origin)
        : { fingerprint: copied.entry.tuple, bytes: copied.entry.sealed.bytes },
    );
  }
}

function shownBefore({ world }: SimulatedCluster): Uint8Array[] {
  const shown: Uint8Array[] = [];
  const { order } = world.checks;
  for (let number = 1; number <= order.highest; number++)
    for (const { operation: ordered } of order.get(number as never)?.executions ?? []) {
      const operation = decodeOperation(ordered.operation);
      if (operation?.kind === 'repair') shown.push(operation.evidence);
    }
  return shown;
}

export async function forgeRepairs(parts: DishonestParts, attempts: number): Promise<void> {
  const { cluster, outlaw, space, random, dishonest } = parts;
  for (let done = 0; done < attempts; done++) {
    await cluster.sleep(random.below(4_000));
    const kit = await outlaw.kit();
    const found = await someEntry(parts);
    if (kit === null || found === null) continue;
    const name = random.pick(Object.keys(forgeries));
    const evidence = forgeries[name]!({ kit, ...found, others: shownBefore(cluster) });
    const { result } = await outlaw.ask({ kind: 'repair', space, evidence });
    checkAnswer(name, result, dishonest);
  }
}

function checkAnswer(name: string, result: Result | null, dishonest: ReadonlySet<string>): void {
  if (result?.kind === 'repaired' && !dishonest.has(result.owner))
    violated('blacklists', `the forgery ${name} had an entry of ${result.owner} repaired`);
}
