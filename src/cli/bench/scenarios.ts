/**
 * What `bench` measures under load, as data: each scenario is one or more points, and each point a load on a cluster.
 * Points of one scenario are measured in turns, round after round, so that they meet the same machine.
 */
import type { RequestAuth } from '../../crypto/index.js';
import type { Durability } from '../../replica/index.js';
import type { LoadName } from './loads.js';

export interface Conditions {
  readonly replicas: number;
  readonly durability: Durability;
  readonly requestAuth: RequestAuth;
  /** Operations under way at any time. */
  readonly concurrency: number;
  /** Client identities that share them. */
  readonly identities: number;
  readonly payloadBytes: number;
}

export interface Point extends Conditions {
  readonly name: string;
  readonly load: LoadName;
  /** The point whose throughput is 1, by name. */
  readonly ratioTo: string | null;
}

export interface ScenarioDefaults {
  readonly rounds: number;
  readonly seconds: number;
  readonly concurrency: number;
}

export interface Scenario {
  readonly description: string;
  readonly defaults: ScenarioDefaults;
  /** Whether `bench` without a name measures it. */
  readonly isBasic: boolean;
  /** What happens beside the load, or in its place. */
  readonly special: 'kill the primary' | 'wakeups' | null;
  readonly points: (conditions: Conditions) => readonly Point[];
}

const once: ScenarioDefaults = { rounds: 1, seconds: 10, concurrency: 50 };
const inRounds: ScenarioDefaults = { rounds: 3, seconds: 5, concurrency: 50 };

const basic = (name: string, description: string, load: LoadName): Scenario => ({
  description,
  defaults: once,
  isBasic: true,
  special: null,
  points: (conditions) => [{ ...conditions, name, load, ratioTo: null }],
});

/** One point for each value; the first is what the others are compared with. */
function varying<T>(
  values: readonly T[],
  load: LoadName,
  nameOf: (value: T) => string,
  change: (value: T) => Partial<Conditions>,
): Scenario['points'] {
  return (conditions) =>
    values.map((value, index) => ({
      ...conditions,
      ...change(value),
      load,
      name: nameOf(value),
      ratioTo: index === 0 ? null : nameOf(values[0]!),
    }));
}

const payloads = [64, 1_024, 16_384, 65_536] as const;
const bytesName = (bytes: number): string => (bytes < 1_024 ? `${bytes} B` : `${bytes / 1_024} KiB`);
const payloadPoints = (load: 'out' | 'rdp'): Scenario['points'] =>
  varying(
    payloads,
    load,
    (bytes) => `${load}, ${bytesName(bytes)}`,
    (payloadBytes) => ({ payloadBytes }),
  );

type Target = Pick<Point, 'name' | 'load' | 'concurrency'> & Partial<Conditions>;

const fast = { requestAuth: 'mac', durability: 'memory' } as const;
const targets: readonly Target[] = [
  { name: 'out, 200 under way, MACs, memory', load: 'out', concurrency: 200, ...fast },
  { name: 'out, 200 under way', load: 'out', concurrency: 200 },
  {
    ...{ name: 'out, 200 of 200 identities, memory', load: 'out', concurrency: 200 },
    ...{ identities: 200, durability: 'memory' },
  },
  { name: 'out, 1 under way, MACs, memory', load: 'out', concurrency: 1, ...fast },
  { name: 'out, 1 under way', load: 'out', concurrency: 1 },
  { name: 'rdp, 1 under way', load: 'rdp', concurrency: 1 },
  { name: 'rdp, 50 under way', load: 'rdp', concurrency: 50 },
];

export const scenarios = {
  out: basic('out', 'insert', 'out'),
  rdp: basic('rdp', 'fast read of the oldest match', 'rdp'),
  inp: basic('inp', 'insert and take in turns', 'inp'),
  cas: basic('cas', 'insert if nothing matches', 'cas'),
  mixed: basic('mixed', '90 % rdp, 10 % out', 'mixed'),
  'mixed-50': basic('mixed-50', '50 % rdp, 50 % out', 'mixed-50'),
  renew: basic('renew', 'new deadlines for timed entries', 'renew'),
  failover: {
    ...basic('failover', 'out while the primary is killed', 'out'),
    special: 'kill the primary',
  },
  wakeup: {
    ...basic(
      'wakeup',
      'rd that waits, from the out of another client to its answer; expiry from its deadline',
      'out',
    ),
    special: 'wakeups',
  },
  payload: {
    description: 'out and rdp of larger tuples',
    defaults: inRounds,
    isBasic: false,
    special: null,
    points: (conditions) => [...payloadPoints('out')(conditions), ...payloadPoints('rdp')(conditions)],
  },
  replicas: {
    description: 'out with more replicas',
    defaults: { ...inRounds, concurrency: 200 },
    isBasic: false,
    special: null,
    points: varying(
      [4, 7, 10],
      'out',
      (replicas) => `n = ${replicas}`,
      (replicas) => ({ replicas }),
    ),
  },
  identities: {
    description: 'out, the same number under way from more and more clients',
    defaults: { ...inRounds, concurrency: 200 },
    isBasic: false,
    special: null,
    points: (conditions) =>
      varying(
        [1, 10, 50, 200].filter((identities) => identities <= conditions.concurrency),
        'out',
        (identities) => `${identities} identities`,
        (identities) => ({ identities }),
      )(conditions),
  },
  durability: {
    description: 'out with more and more that survives',
    defaults: { ...inRounds, concurrency: 200 },
    isBasic: false,
    special: null,
    points: varying<Durability>(
      ['memory', 'async', 'sync'],
      'out',
      (durability) => durability,
      (durability) => ({ durability }),
    ),
  },
  auth: {
    description: 'out with signatures and with MACs on requests',
    defaults: { ...inRounds, concurrency: 200 },
    isBasic: false,
    special: null,
    points: varying<RequestAuth>(
      ['signature', 'mac'],
      'out',
      (requestAuth) => requestAuth,
      (requestAuth) => ({ requestAuth }),
    ),
  },
  targets: {
    description: 'what docs/performance.md has targets for, as far as it is one load',
    defaults: inRounds,
    isBasic: false,
    special: null,
    points: (conditions) => targets.map((target) => ({ ...conditions, ...target, ratioTo: null })),
  },
} as const satisfies Record<string, Scenario>;

export type ScenarioName = keyof typeof scenarios;

export const scenarioNames = Object.keys(scenarios) as ScenarioName[];
export const basicScenarios = scenarioNames.filter((name) => scenarios[name].isBasic);
