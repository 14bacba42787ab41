/**
 * Executes a batch as soon as it is prepared, without a quorum of COMMITs. What one replica has prepared a
 * view change may still drop.
 */
import type { ReplicaId } from '../../base/index.js';
import type { Output } from '../../ordering/index.js';
import { runScenario } from '../scenario/runner.js';
import type { Surroundings } from '../world-options.js';
import type { Canary } from './canary.js';

/** Replica 3 alone prepares a batch at 3; the others, without it, put another one there. */
const preparedAtOne = `
cluster n=4 clients=2
open c1
drop kind=prepare seq=3 view=0 to=0,1,2
drop kind=commit seq=3 view=0
call c1 out ["a",1]
run 20ms
cut 3 0..2
until view 0..2 = 1
until executed 0..2 >= 3
`;

export const earlyExecution: Canary = {
  name: 'early-execution',
  bug: 'a prepared batch is executed before it is committed',
  checkers: ['agreement'],
  tampering: () => ({ outputs: commitAtOnce }),
  run: () => runScenario(preparedAtOne, { tampering: { outputs: commitAtOnce } }),
};

/** A COMMIT that leaves is answered at once by everybody else's, as if they had said the same. */
function commitAtOnce(
  outputs: readonly Output[],
  replica: ReplicaId,
  world: Surroundings,
): readonly Output[] {
  for (const output of outputs) {
    if (output.kind !== 'broadcast' || output.message.kind !== 'commit') continue;
    const { message } = output;
    for (const { id } of world.replicas) {
      if (id === replica) continue;
      const input = { kind: 'message', from: id, message } as const;
      world.simulator.schedule(1, () => world.replicas[replica]!.input(input));
    }
  }
  return outputs;
}
