/** Resident memory of replicas, and how to have them collect their garbage first. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReplicaGroup } from '../replica-group.js';

const collector = new URL('./collect-on-signal.js', import.meta.url).href;
const signal = 'SIGUSR2';
/** A collection of a large heap, and the pages that V8 gives back afterwards. */
const collectedWithinMs = 3_000;
const collections = 2;

/** Null where the system does not tell, or when it has just ended. */
export function residentMiB(pid: number): number | null {
  try {
    const match = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return match === null ? null : Number(match[1]) / 1_024;
  } catch {
    return null;
  }
}

/** Of each running replica in MiB, ascending by id. */
export function residentMiBOf(replicas: ReplicaGroup): number[] {
  return replicas.running.map(({ pid }) => Math.round((residentMiB(pid) ?? 0) * 10) / 10);
}

/** Child processes that `start` starts collect their garbage when `collectGarbage` asks them to. */
export async function startCollectable<T>(start: () => Promise<T>): Promise<T> {
  const before = process.env['NODE_OPTIONS'];
  process.env['NODE_OPTIONS'] = `${before ?? ''} --import=${collector}`.trim();
  try {
    return await start();
  } finally {
    if (before === undefined) delete process.env['NODE_OPTIONS'];
    else process.env['NODE_OPTIONS'] = before;
  }
}

/** Of a group that `startCollectable` started. */
export async function collectGarbage(replicas: ReplicaGroup): Promise<void> {
  for (let time = 0; time < collections; time++) {
    for (const replica of replicas.running) replica.kill(signal);
    await sleep(collectedWithinMs);
  }
}
