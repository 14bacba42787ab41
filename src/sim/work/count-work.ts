/**
 * What an operation costs in work, not in time: messages, bytes, signatures, digests, records and syncs of all replicas
 * together, counted in a simulated cluster without faults. The same on every machine, so that a slow-down by design shows
 * where a clock would not.
 */
import type { Space } from '../../client/index.js';
import type { Authenticator } from '../../ordering/index.js';
import type { Storage } from '../../replica/index.js';
import { SimulatedCluster } from '../cluster/simulated-cluster.js';
import { calmLinks } from '../network.js';
import type { Tampering } from '../world-options.js';

export interface WorkLoad {
  readonly replicas: number;
  /** Each a process with a session of its own. */
  readonly clients: number;
  /** Operations under way, of each client. */
  readonly concurrency: number;
  /** In all. */
  readonly operations: number;
  readonly kind: 'out' | 'rdp' | 'cas' | 'inp';
}

/** Of all replicas together, for the whole load. */
export interface Work {
  readonly batches: number;
  /** Between replicas, and what was in them. */
  readonly messages: number;
  readonly messageBytes: number;
  /** Turns of a replica in which it had something for a peer, by peer: as many frames would leave. */
  readonly frames: number;
  /** Between clients and replicas, either way. */
  readonly clientMessages: number;
  readonly signatures: number;
  /** Of replicas' statements, and of envelopes. */
  readonly verifications: number;
  readonly digests: number;
  readonly digestBytes: number;
  readonly records: number;
  readonly syncs: number;
}

export const noWork: Work = {
  ...{ batches: 0, messages: 0, messageBytes: 0, frames: 0, clientMessages: 0 },
  ...{ signatures: 0, verifications: 0, digests: 0, digestBytes: 0, records: 0, syncs: 0 },
};

type Counts = { -readonly [K in keyof Work]: number };

const shortLinks = { ...calmLinks, delayUsMin: 100, delayUsMax: 300 };

function countingAuthenticator(own: Authenticator, counts: Counts): Authenticator {
  return {
    hash: (bytes) => {
      counts.digests += 1;
      counts.digestBytes += bytes.length;
      return own.hash(bytes);
    },
    sign: (purpose, body) => {
      counts.signatures += 1;
      return own.sign(purpose, body);
    },
    verify: (replica, purpose, body, signature) => {
      counts.verifications += 1;
      return own.verify(replica, purpose, body, signature);
    },
    isAuthentic: (envelope) => {
      counts.verifications += 1;
      return own.isAuthentic(envelope);
    },
    isVerdictCommon: (envelope) => own.isVerdictCommon(envelope),
  };
}

function countingStorage(own: Storage, counts: Counts): Storage {
  return {
    listen: (listener) =>
      own.listen({
        ...listener,
        stored: (recordNumber) => {
          counts.syncs += 1;
          listener.stored(recordNumber);
        },
        stateSaved: (sequenceNumber) => listener.stateSaved(sequenceNumber),
        failed: (error) => listener.failed(error),
      }),
    append: (recordNumber, record, isLazy) => {
      counts.records += 1;
      own.append(recordNumber, record, isLazy);
    },
    saveState: (state) => own.saveState(state),
    truncate: (sequenceNumber) => own.truncate(sequenceNumber),
    close: () => own.close(),
  };
}

function counting(counts: Counts): Tampering {
  return {
    authenticator: (own) => countingAuthenticator(own, counts),
    storage: (own) => countingStorage(own, counts),
    outputs: (outputs, replica, { replicas }) => {
      const peers = new Set<number>();
      for (const output of outputs) {
        if (output.kind === 'send') peers.add(output.to);
        else if (output.kind === 'broadcast')
          for (const { id } of replicas) if (id !== replica) peers.add(id);
      }
      counts.frames += peers.size;
      return outputs;
    },
    frames: (bytes) => {
      counts.messages += 1;
      counts.messageBytes += bytes.length;
      return [bytes];
    },
  };
}

const content = new Uint8Array(48).fill(7);

async function operate(space: Space, kind: WorkLoad['kind'], number: number): Promise<void> {
  const tuple = ['key', number, content];
  switch (kind) {
    case 'out':
      await space.out(tuple);
      return;
    case 'cas':
      await space.cas(tuple, tuple);
      return;
    case 'rdp':
      await space.rdp(tuple);
      return;
    case 'inp':
      await space.inp(tuple);
      return;
  }
}

/** A closed loop of real clients; what they have ready at the same moment shares an envelope. @throws Violation. */
export async function countWork(load: WorkLoad): Promise<Work> {
  const counts: Counts = { ...noWork };
  const clients = Array.from({ length: load.clients }, (_, index) => `c${index}`);
  const cluster = new SimulatedCluster(
    { seed: 1, clients, replicas: load.replicas },
    { tampering: counting(counts), links: shortLinks, config: {} },
  );
  const spaces = clients.map((name) => cluster.client(name).space('default'));
  await cluster.run(Promise.all(spaces.map((space) => space.out(['before', 'all']))));
  // All links are up, and nothing of the beginning is under way.
  await cluster.advance(2_000);
  Object.assign(counts, noWork);
  const { world } = cluster;
  const { order } = world.checks;
  world.filter = ({ from, to }) => {
    if (from >= world.n || to >= world.n) counts.clientMessages += 1;
    return false;
  };
  const before = order.highest;
  let issued = 0;
  const work = async (space: Space): Promise<void> => {
    while (issued < load.operations) await operate(space, load.kind, issued++);
  };
  const workers = spaces.flatMap((space) => Array.from({ length: load.concurrency }, () => work(space)));
  await cluster.run(Promise.all(workers));
  counts.batches = order.highest - before;
  const counted = { ...counts };
  await cluster.finish();
  return counted;
}
