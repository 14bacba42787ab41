/** Loads, and what an operation of each may cost at most: what it costs now, and a tenth more. Whoever saves work lowers them. */
import { countWork, noWork, type Work, type WorkLoad } from './count-work.js';

export interface BoundedLoad {
  readonly name: string;
  readonly load: WorkLoad;
  /** For each operation. */
  readonly most: Work;
}

export const boundedLoads: readonly BoundedLoad[] = [
  {
    name: 'out, one after the other',
    load: { kind: 'out', replicas: 4, clients: 1, concurrency: 1, operations: 50 },
    most: {
      ...{
        batches: 1.1,
        messages: 30,
        messageBytes: 1_720,
        frames: 30,
        clientMessages: 5.5,
        signatures: 0.05,
      },
      ...{ verifications: 4.4, digests: 12, digestBytes: 1_510, records: 13.2, syncs: 8.8 },
    },
  },
  {
    name: 'out, one client with 50 under way',
    load: { kind: 'out', replicas: 4, clients: 1, concurrency: 50, operations: 1_000 },
    most: {
      ...{
        batches: 0.022,
        messages: 0.6,
        messageBytes: 295,
        frames: 0.6,
        clientMessages: 0.11,
        signatures: 0.01,
      },
      ...{ verifications: 0.09, digests: 0.25, digestBytes: 425, records: 0.27, syncs: 0.18 },
    },
  },
  {
    name: 'out, 50 clients with one each',
    load: { kind: 'out', replicas: 4, clients: 50, concurrency: 1, operations: 1_000 },
    most: {
      ...{
        batches: 0.044,
        messages: 1.25,
        messageBytes: 720,
        frames: 1.2,
        clientMessages: 3.8,
        signatures: 0.01,
      },
      ...{ verifications: 2.3, digests: 1.8, digestBytes: 1_160, records: 0.54, syncs: 0.36 },
    },
  },
  {
    name: 'cas, one client with 50 under way',
    load: { kind: 'cas', replicas: 4, clients: 1, concurrency: 50, operations: 1_000 },
    most: {
      ...{
        batches: 0.022,
        messages: 0.6,
        messageBytes: 525,
        frames: 0.6,
        clientMessages: 0.11,
        signatures: 0.01,
      },
      ...{ verifications: 0.09, digests: 0.25, digestBytes: 720, records: 0.27, syncs: 0.18 },
    },
  },
  {
    name: 'rdp, 10 clients with 5 under way each',
    load: { kind: 'rdp', replicas: 4, clients: 10, concurrency: 5, operations: 1_000 },
    // Nothing of it is ordered.
    most: { ...noWork, messages: 0.1, messageBytes: 5, frames: 0.1, clientMessages: 6.6 },
  },
  {
    name: 'out at n = 10, one client with 50 under way',
    load: { kind: 'out', replicas: 10, clients: 1, concurrency: 50, operations: 1_000 },
    most: {
      ...{
        batches: 0.022,
        messages: 4.2,
        messageBytes: 970,
        frames: 4.2,
        clientMessages: 0.25,
        signatures: 0.02,
      },
      ...{ verifications: 0.22, digests: 0.58, digestBytes: 1_030, records: 0.66, syncs: 0.44 },
    },
  },
];

/** For each operation. @throws Violation. */
export async function workOf({ load }: BoundedLoad): Promise<Work> {
  const work = await countWork(load);
  const entries = Object.entries(work) as (readonly [keyof Work, number])[];
  return Object.fromEntries(
    entries.map(([name, count]) => [name, count / load.operations]),
  ) as unknown as Work;
}

/** What costs more than it may. */
export const overBounds = ({ most }: BoundedLoad, work: Work): (keyof Work)[] =>
  (Object.keys(most) as (keyof Work)[]).filter((kind) => work[kind] > most[kind]);
