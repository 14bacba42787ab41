/** P and Q are forgotten: the next view does not learn what may have been committed (TOCS'02 section 4.5). */
import { sequenceNumber } from '../../base/index.js';
import type { OrderingReplica } from '../../ordering/index.js';
import type { ReplicaCore } from '../replica-host.js';
import { runScenario } from '../scenario/runner.js';
import type { Canary } from './canary.js';

/** Replica 3 alone learns that a batch is committed; then the primary dies. */
const committedAtOne = `
cluster n=4 clients=2
open c1
drop kind=commit seq=3 view=0 to=0,1,2
call c1 out ["a",1]
run 20ms
stop 0
call c2 out ["b",1]
until executed 1..2 >= 3
`;

const contested = sequenceNumber(3);

export const forgottenVotes: Canary = {
  name: 'forgotten-votes',
  bug: 'VIEW-CHANGE leaves out what was prepared and accepted',
  checkers: ['agreement'],
  run: () => runScenario(committedAtOne, { tampering: { core: forgetful } }),
};

function forgetful(replica: OrderingReplica): ReplicaCore {
  const { log } = replica['core'];
  return {
    step: (input) => {
      const slot = log.slots.get(contested);
      if (slot !== undefined) {
        slot.prepared = null;
        slot.prePrepared.clear();
      }
      return replica.step(input);
    },
    status: () => replica.status(),
    stateDigest: () => replica.stateDigest(),
    validate: () => replica.validate(),
  };
}
