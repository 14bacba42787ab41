/** Replicas that are told to misbehave: which, how, and what is then around the real one. */
import { InvalidArgumentError } from 'commander';
import { prng, replicaId, type ReplicaId } from '../base/index.js';
import type { OrderingCore, StartReplicaOptions } from '../replica/index.js';
import { usageError } from './errors.js';

/** Names of behaviours by replica. */
export type Faults = ReadonlyMap<number, readonly string[]>;

const namesPattern = /^[a-z]+(-[a-z]+)*(,[a-z]+(-[a-z]+)*)*$/;

/** Option parser for names of behaviours. */
export function behavioursArgument(text: string): readonly string[] {
  if (namesPattern.test(text)) return [...new Set(text.split(','))];
  throw new InvalidArgumentError('It must be behaviours with commas between, such as equivocate,slow.');
}

/** Option parser for `3=equivocate,slow`, given again for each replica. */
export function faultArgument(text: string, before: Faults = new Map()): Faults {
  const [, id, names] = /^(\d{1,2})=(.+)$/.exec(text) ?? [];
  if (id === undefined || names === undefined)
    throw new InvalidArgumentError('It must be a replica and what it does, such as 3=equivocate,slow.');
  return new Map([...before, [Number(id), behavioursArgument(names)]]);
}

/** Option parser for the numbers of replicas. */
export function replicasArgument(text: string): readonly number[] {
  if (/^\d{1,2}(,\d{1,2})*$/.test(text)) return [...new Set(text.split(',').map(Number))];
  throw new InvalidArgumentError('It must be numbers of replicas with commas between.');
}

/** How many faulty ones so many replicas bear. */
export const toleratedOf = (replicas: number): number => Math.floor((replicas - 1) / 3);

/** @throws InvalidInputError USAGE: there is no such replica, or they are more than the others bear. */
export function checkFaulty(ids: readonly number[], replicas: number): void {
  const unknown = ids.find((id) => id >= replicas);
  if (unknown !== undefined)
    throw usageError(`--faulty: there is no replica ${unknown}, the last of ${replicas} is ${replicas - 1}`, {
      replica: unknown,
    });
  const f = toleratedOf(replicas);
  if (ids.length > f)
    throw usageError(`--faulty ${ids.join(',')}: of ${replicas} replicas no more than ${f} may be faulty`, {
      replicas,
      f,
    });
}

/** @throws InvalidInputError USAGE: there is no such replica, or no such behaviour. */
export async function checkFaults(faults: Faults, replicas: number): Promise<void> {
  const { byzantineBehaviours } = await import('../sim/index.js');
  for (const [id, names] of faults) {
    if (id >= replicas) throw usageError(`--fault ${id}=…: there is no replica ${id}`, { replica: id });
    for (const name of names)
      if (!Object.hasOwn(byzantineBehaviours, name))
        throw usageError(
          `"${name}" is no behaviour: choose from ${Object.keys(byzantineBehaviours).join(', ')}`,
          { behaviour: name },
        );
  }
}

/** `accomplices`: all who misbehave, itself too or not; what they draw alike, they draw from the cluster's id. */
export async function aroundReplica(
  clusterId: string,
  names: readonly string[],
  accomplices: readonly number[],
): Promise<NonNullable<StartReplicaOptions['around']>> {
  const { createByzantineCore } = await import('../sim/index.js');
  const random = prng(Number.parseInt(clusterId.slice(0, 8), 16));
  const faulty: readonly ReplicaId[] = accomplices.map(replicaId);
  return (inside, { config, hash, sign }): OrderingCore => {
    const replica = config.id;
    const core = createByzantineCore({ replica, names, inside, config, hash, sign, random, faulty });
    return {
      step: (input) => core.step(input),
      frames: (to, message) => core.frames(to, message),
      status: () => inside.status(),
      isClient: (client) => inside.isClient(client),
      stateDigest: () => inside.stateDigest(),
      stableState: () => inside.stableState(),
    };
  };
}
