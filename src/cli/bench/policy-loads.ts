/**
 * What clients do in spaces with the ready policies that are measured: everything is allowed, and each cycle leaves the
 * space as large as it was.
 */
import { any, normalizeTemplate, normalizeTuple } from '../../codec/index.js';
import type { SpaceOperation } from '../../codec/index.js';

type Unplaced = SpaceOperation extends infer O
  ? O extends SpaceOperation
    ? Omit<O, 'space'>
    : never
  : never;

export interface Step {
  readonly client: string;
  readonly time: number;
  readonly operation: Unplaced;
}

export interface PolicyLoad {
  /** File in policy/. */
  readonly policy: string;
  readonly clients: readonly string[];
  /** What has to be there first. */
  prepared(time: number): readonly Step[];
  cycle(cycle: number, time: number): readonly Step[];
}

type Fields = readonly unknown[];

/** Operations of one client at one moment. */
function by(client: string, time: number) {
  const step = (operation: Unplaced): Step => ({ client, time, operation });
  const template = normalizeTemplate;
  const tuple = normalizeTuple;
  return {
    out: (fields: Fields, lease: number | null = null) => step({ kind: 'out', tuple: tuple(fields), lease }),
    rdp: (wanted: Fields) => step({ kind: 'rdp', template: template(wanted) }),
    inp: (wanted: Fields) => step({ kind: 'inp', template: template(wanted) }),
    renew: (wanted: Fields, lease: number) => step({ kind: 'renew', template: template(wanted), lease }),
    cas: (wanted: Fields, fields: Fields, lease: number | null = null) =>
      step({ kind: 'cas', template: template(wanted), tuple: tuple(fields), lease }),
    replace: (wanted: Fields, fields: Fields) =>
      step({ kind: 'replace', template: template(wanted), tuple: tuple(fields), lease: null }),
  };
}

const namesOf = (kind: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, i) => `${kind}-${i}`);

const coordinators = namesOf('replica-of-database', 16);
const writer = coordinators[0]!;
const members = `/${coordinators.join('/')}/`;
const leaseMs = 60_000;
const anyWriter = ['REPLICA', any, 'WRITER'];
const anySync = ['SYNC', any, any];

/** Sixteen coordinators; one of them is the writer. */
const red: PolicyLoad = {
  policy: 'red',
  clients: coordinators,
  prepared: (time) => [
    ...coordinators.flatMap((id) => {
      const { out, inp } = by(id, time);
      const stopped = ['REPLICA', id, 'STOPPED'];
      return [out(stopped, leaseMs), out(['REPLICA', id, 'COPIER'], leaseMs), inp(stopped)];
    }),
    by(writer, time).cas(anyWriter, ['REPLICA', writer, 'WRITER'], leaseMs),
    by(writer, time).cas(anySync, ['SYNC', 2 * coordinators.length + 1, members]),
  ],
  cycle: (cycle, time) => {
    const id = coordinators[cycle % coordinators.length]!;
    const { out, renew, cas, rdp } = by(id, time);
    const stopped = ['REPLICA', id, 'STOPPED'];
    const sync = ['SYNC', 2 * coordinators.length + 1, members];
    return [
      out(stopped, leaseMs),
      by(writer, time).inp(stopped),
      rdp(anySync),
      rdp(anyWriter),
      renew(['REPLICA', id, 'COPIER'], leaseMs),
      cas(anyWriter, ['REPLICA', id, 'WRITER'], leaseMs),
      by(writer, time).replace(anySync, sync),
      by(writer, time).renew(['REPLICA', writer, 'WRITER'], leaseMs),
    ];
  },
};

const producers = namesOf('producer', 8);
const workers = namesOf('worker', 8);
const jobsPerProducer = 32;
const payload = new Uint8Array(48).fill(7);

const nameOf = (index: number): string => `job-${index}`;

/** The job that is done in a cycle is one of the producer that inserts the next. */
function producerOf(index: number): string {
  return producers[index % producers.length]!;
}

/** Each producer has a number of jobs here, with a quota of twice as many; the oldest is done first. */
const workQueue: PolicyLoad = {
  policy: 'work-queue',
  clients: [...producers, ...workers],
  prepared: (time) => [
    ...producers.flatMap((name) => {
      const { out } = by('admin', time);
      return [out(['role', name, 'producer']), out(['quota', name, 2 * jobsPerProducer])];
    }),
    ...workers.flatMap((name) => {
      const { out } = by('admin', time);
      return [out(['role', name, 'worker']), out(['quota', name, 4])];
    }),
    ...Array.from({ length: jobsPerProducer * producers.length }, (_, i) =>
      by(producerOf(i), time).out(['job', nameOf(i), producerOf(i), payload]),
    ),
  ],
  cycle: (cycle, time) => {
    const next = jobsPerProducer * producers.length + cycle;
    const [name, producer] = [nameOf(cycle), producerOf(cycle)];
    const worker = workers[(cycle * 3) % workers.length]!;
    const { rdp, cas, renew, replace, inp } = by(worker, time);
    const claim = ['claim', name, worker];
    return [
      by(producer, time).out(['job', nameOf(next), producer, payload]),
      rdp(['job', any, any, any]),
      cas(['claim', name, any], claim, leaseMs),
      renew(claim, leaseMs),
      replace(['job', name, any, any], ['result', name, producer, payload]),
      inp(claim),
      by(producer, time).rdp(['result', any, producer, any]),
      by(producer, time).inp(['result', name, producer, any]),
    ];
  },
};

export const policyLoads: readonly PolicyLoad[] = [red, workQueue];
