/**
 * What the load generator asks, whatever the service: operations follow from the worker and its iteration alone, so
 * that two runs ask the same.
 */
export const operationNames = [
  'out',
  'out with a lease',
  'rdp',
  'rdp at one server',
  'inp',
  'cas',
  'renew',
] as const;
export type OperationName = (typeof operationNames)[number];

/** Entries that reads find. */
export const preparedEntries = 1_000;
/** Timed entries of each identity, for `renew`. */
export const preparedTimedEntries = 100;

/** Of an `out with a lease`: after that as many entries go as come. */
export const shortLeaseMs = 10_000;

/** What has to be there before the load starts. */
export type Preparation = 'nothing' | 'entries' | 'timed entries';

export interface Load {
  readonly preparation: Preparation;
  /** Which operation a worker does at an iteration. */
  choose(iteration: number, worker: number): OperationName;
}

const only = (operation: OperationName, preparation: Preparation = 'nothing'): Load => ({
  preparation,
  choose: () => operation,
});

export const loads = {
  out: only('out'),
  'out with a lease': only('out with a lease'),
  rdp: only('rdp', 'entries'),
  'rdp at one server': only('rdp at one server', 'entries'),
  cas: only('cas'),
  renew: only('renew', 'timed entries'),
  // Each takes what the worker has just inserted, so that the space keeps its size.
  inp: { preparation: 'nothing', choose: (iteration) => (iteration % 2 === 0 ? 'out' : 'inp') },
  mixed: {
    preparation: 'entries',
    choose: (iteration, worker) => ((worker + iteration) % 10 === 0 ? 'out' : 'rdp'),
  },
  'mixed-50': {
    preparation: 'entries',
    choose: (iteration, worker) => ((worker + iteration) % 2 === 0 ? 'out' : 'rdp'),
  },
} as const satisfies Record<string, Load>;

export type LoadName = keyof typeof loads;

/** Key of the entry that a read is for: scattered, and each once in a while. */
export const readKey = (worker: number, iteration: number): number =>
  (worker * 7919 + iteration) % preparedEntries;

/** What is beside the key, so that a tuple of some fields has about `payloadBytes`. */
export function contentOf(payloadBytes: number): Uint8Array {
  return new Uint8Array(Math.max(1, payloadBytes - 16)).fill(7);
}
