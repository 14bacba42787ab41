/**
 * What the load generator asks of the service. Operations depend on the worker and its iteration alone, so
 * that two runs ask the same. Contents are 64 bytes or so, as in the figures of other systems.
 */
import { any } from '../../client/index.js';
import type { Space } from '../../client/index.js';

export type ScenarioName = 'out' | 'rdp' | 'cas' | 'mixed' | 'failover' | 'wakeup';

export type OperationName = 'out' | 'rdp' | 'cas';

export interface Scenario {
  readonly description: string;
  /** Whether entries to read have to be there before the load starts. */
  readonly isReading: boolean;
  /** Which operation a worker does at an iteration. */
  choose(worker: number, iteration: number): OperationName;
}

/** Entries that reads find, and how many bytes of content each has beside its key. */
export const preparedEntries = 1_000;
const payload = new Uint8Array(48).fill(7);

export const scenarios: Readonly<Record<ScenarioName, Scenario>> = {
  out: { description: 'insert', isReading: false, choose: () => 'out' },
  rdp: { description: 'fast read of the oldest match', isReading: true, choose: () => 'rdp' },
  cas: { description: 'insert if nothing matches', isReading: false, choose: () => 'cas' },
  mixed: {
    description: '90 % rdp, 10 % out',
    isReading: true,
    choose: (worker, iteration) => ((worker + iteration) % 10 === 0 ? 'out' : 'rdp'),
  },
  failover: {
    description: 'out while the primary is killed',
    isReading: false,
    choose: () => 'out',
  },
  wakeup: {
    description: 'rd that waits, from the out of another client to its answer; expiry from its deadline',
    isReading: false,
    choose: () => 'out',
  },
};

export const scenarioNames = Object.keys(scenarios) as ScenarioName[];

export async function prepare(space: Space): Promise<void> {
  const keys = Array.from({ length: preparedEntries }, (_, key) => key);
  await Promise.all(keys.map((key) => space.out(['read', key, payload])));
}

/** Does one operation; throws if the answer cannot be right. */
export async function operate(
  space: Space,
  operation: OperationName,
  worker: number,
  iteration: number,
): Promise<void> {
  switch (operation) {
    case 'out':
      await space.out(['bench', worker, iteration, payload]);
      return;
    case 'rdp': {
      const key = (worker * 7919 + iteration) % preparedEntries;
      if ((await space.rdp(['read', key, any])) === null) throw new Error(`entry ${key} is gone`);
      return;
    }
    case 'cas': {
      const result = await space.cas(['cas', worker, iteration, any], ['cas', worker, iteration, payload]);
      if (!result.inserted) throw new Error(`cas found an entry that nobody inserted`);
    }
  }
}
