/** `bench smoke`: what operations cost in work instead of time (sim/work), against the bounds that a test holds them to. */
import { boundedLoads, overBounds, workOf, type Work } from '../../sim/index.js';
import { exitStatus, type ExitStatus } from '../errors.js';
import type { Output } from '../output.js';

const names: Readonly<Record<keyof Work, string>> = {
  batches: 'batches',
  messages: 'messages',
  messageBytes: 'bytes',
  frames: 'frames',
  clientMessages: 'client messages',
  signatures: 'signed',
  verifications: 'verified',
  digests: 'digests',
  digestBytes: 'digest bytes',
  records: 'records',
  syncs: 'syncs',
};

const shown = (count: number): string => count.toFixed(count < 10 ? 2 : 0);

function rowOf(name: string, work: Work, over: readonly (keyof Work)[]): readonly string[] {
  const kinds = Object.keys(names) as (keyof Work)[];
  return [name, ...kinds.map((kind) => `${shown(work[kind])}${over.includes(kind) ? ' !' : ''}`)];
}

/** Exit status 1: something costs more than it may. */
export async function benchSmoke(output: Output): Promise<ExitStatus> {
  const rows: (readonly string[])[] = [];
  let isWithin = true;
  for (const bounded of boundedLoads) {
    const work = await workOf(bounded);
    const { name, load, most } = bounded;
    const over = overBounds(bounded, work);
    isWithin &&= over.length === 0;
    output.record({ scenario: 'smoke', name, load, perOperation: work, most, over });
    rows.push(rowOf(name, work, over));
  }
  output.say(output.table(['for each operation', ...Object.values(names)], rows));
  output.say('Of all replicas together, simulated, without faults. !: more than it may be.');
  return isWithin ? exitStatus.ok : exitStatus.noMatch;
}
