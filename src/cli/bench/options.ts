/** What the command line says of a measurement, and what of it makes no sense. */
import type { RequestAuth } from '../../crypto/index.js';
import type { Durability } from '../../replica/index.js';
import { usageError } from '../errors.js';
import { describeCircumstances, type Circumstances } from './hardware.js';
import type { ScenarioName } from './scenarios.js';

export interface BenchOptions {
  /** Null: all the basic ones, one after the other. */
  readonly scenario: ScenarioName | null;
  /** How long to measure in each round, after the warm-up. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** Operations under way at any time. */
  readonly concurrency: number;
  /** Client identities that share them. */
  readonly identities: number;
  readonly replicas: number;
  readonly durability: Durability;
  readonly requestAuth: RequestAuth;
  readonly rounds: number;
  /** Operations that begin each second; null: one whenever one is done. */
  readonly ratePerSecond: number | null;
  readonly timeoutMs: number;
}

export const defaultBenchOptions: Omit<BenchOptions, 'scenario'> = {
  seconds: 10,
  warmUpSeconds: 2,
  concurrency: 50,
  identities: 1,
  replicas: 4,
  durability: 'sync',
  requestAuth: 'signature',
  rounds: 1,
  ratePerSecond: null,
  timeoutMs: 30_000,
};

export function checkSharing({
  identities,
  concurrency,
}: Pick<BenchOptions, 'identities' | 'concurrency'>): void {
  if (identities <= concurrency) return;
  throw usageError(`--identities ${identities} cannot share ${concurrency} operations (--concurrency)`, {
    identities,
    concurrency,
  });
}

interface Told extends Pick<
  BenchOptions,
  'replicas' | 'concurrency' | 'identities' | 'durability' | 'requestAuth' | 'ratePerSecond'
> {
  /** Null: it takes as long as it takes. */
  readonly seconds: number | null;
}

export function describeConditions(options: Told, circumstances: Circumstances): string {
  const { replicas, concurrency, identities, seconds, durability, requestAuth, ratePerSecond } = options;
  const requests = requestAuth === 'mac' ? 'requests with MACs' : 'signed requests';
  const load =
    ratePerSecond === null
      ? `${concurrency} operations under way`
      : `${ratePerSecond} operations begun each second`;
  const time = seconds === null ? '' : `${seconds} s each, `;
  return [
    describeCircumstances(circumstances),
    `${replicas} replicas, ${load} from ${identities} identities, ${time}${requests}, durability ${durability}`,
  ].join('\n');
}
