/** Ordered time is the batch's own time instead of the highest so far: an older batch turns it back. */
import type { ReplicaId } from '../../base/index.js';
import { decodeBatch } from '../../codec/index.js';
import type { Output } from '../../ordering/index.js';
import { runScenario } from '../scenario/runner.js';
import type { Surroundings } from '../world-options.js';
import type { Canary } from './canary.js';

/** The clock of the second primary is behind that of the first. */
const slowerPrimary = `
cluster n=4 skew=0:240ms,1:-240ms
open c1
call c1 out ["a",1]
run 20ms
inject viewChange from=2 to=0,1,3 view=1
inject viewChange from=3 to=0,1,2 view=1
until view 0..1 = 1
call c1 out ["a",2]
until executed 0..1 >= 4
`;

export const timeRunsBack: Canary = {
  name: 'time-runs-back',
  bug: "a batch's own time is taken for ordered time",
  checkers: ['ordered-time'],
  tampering: () => ({ outputs: ownTime }),
  run: () => runScenario(slowerPrimary, { tampering: { outputs: ownTime } }),
};

function ownTime(outputs: readonly Output[], replica: ReplicaId, world: Surroundings): readonly Output[] {
  const bodies = bodiesOf(world);
  for (const output of outputs) {
    if (output.kind === 'persist' && output.record.kind === 'prePrepared')
      bodies.set(output.record.digest, output.record.batch);
  }
  return outputs.map((output) => {
    if (output.kind !== 'deliver') return output;
    const body = bodies.get(output.digest);
    const time = body === undefined ? null : (decodeBatch(body)?.time ?? null);
    return time === null ? output : { ...output, time };
  });
}

const bodiesByWorld = new WeakMap<Surroundings, Map<string, Uint8Array>>();

function bodiesOf(world: Surroundings): Map<string, Uint8Array> {
  let bodies = bodiesByWorld.get(world);
  if (bodies === undefined) bodiesByWorld.set(world, (bodies = new Map()));
  return bodies;
}
