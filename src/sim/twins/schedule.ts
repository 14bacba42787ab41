/**
 * Scenarios of Twins (Bano et al., OPODIS'21, section 4): which replica has a second copy, and who reaches whom in each of the
 * first two views. All of them, counted: every one of the 52 ways to part five nodes, in either view, for each place of the pair.
 */
import { assert } from '../../base/index.js';

export const replicas = 4;
/** The node after theirs. */
export const secondCopy = replicas;
const nodes = replicas + 1;

/** By node, the group that it is in. */
export type Partition = readonly number[];

export interface TwinsScenario {
  /** The pair leads the first view, the second, or neither. */
  readonly pair: 0 | 1 | 3;
  /** By view; from the last on everybody reaches everybody. */
  readonly partitions: readonly [Partition, Partition];
}

/** In order of their restricted growth strings: the first is one group, the last is everybody alone. */
export function partitionsOf(count: number): readonly Partition[] {
  let found: Partition[] = [[]];
  for (let node = 0; node < count; node++)
    found = found.flatMap((partition) => {
      const groups = Math.max(-1, ...partition) + 1;
      return Array.from({ length: groups + 1 }, (_, group) => [...partition, group]);
    });
  return found;
}

const pairs = [0, 1, 3] as const;
const partitions = partitionsOf(nodes);

export const twinsScenarios = pairs.length * partitions.length ** 2;

/** By number; they repeat. */
export function twinsScenario(number: number): TwinsScenario {
  assert(Number.isSafeInteger(number) && number >= 0, 'scenarios are numbered from 0 on');
  const rest = Math.floor(number / pairs.length);
  return {
    pair: pairs[number % pairs.length]!,
    partitions: [
      partitions[rest % partitions.length]!,
      partitions[Math.floor(rest / partitions.length) % partitions.length]!,
    ],
  };
}

export function canReach({ partitions: byView }: TwinsScenario, view: number, a: number, b: number): boolean {
  const partition = byView[view];
  return partition === undefined || partition[a] === partition[b];
}

/** `0=4 | 01 23 4 | 0123 4`: the pair, then the groups in either view. */
export function scenarioText({ pair, partitions: byView }: TwinsScenario): string {
  const groupsText = (partition: Partition): string => {
    const groups = Array.from({ length: Math.max(...partition) + 1 }, (_, group) =>
      partition.flatMap((own, node) => (own === group ? [node] : [])).join(''),
    );
    return groups.join(' ');
  };
  return [`${pair}=${secondCopy}`, ...byView.map(groupsText)].join(' | ');
}
