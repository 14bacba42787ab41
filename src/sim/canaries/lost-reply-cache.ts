/** Cached outcomes are thrown away at checkpoints (pitfall 13): a repeated request is executed twice. */
import type { OrderingReplica, Output } from '../../ordering/index.js';
import type { ReplicaCore } from '../replica-host.js';
import { runScenario } from '../scenario/runner.js';
import type { Canary } from './canary.js';

/** The answer is lost; by the time the client asks again, a checkpoint has passed. */
const askedAgain = `
cluster n=4 clients=2 checkpoint=4 window=8
open c1 c2
drop kind=reply to=c1
call c1 out ["a",1]
run 50ms
call c2 out ["b",1]
await c2#2
call c2 out ["b",2]
await c2#3
call c2 out ["b",3]
await c2#4
call c2 out ["b",4]
await c2#5
clear
await c1#2
`;

export const lostReplyCache: Canary = {
  name: 'lost-reply-cache',
  bug: 'the reply cache does not survive a checkpoint',
  checkers: ['exactly-once'],
  tampering: () => ({ core: forgetful }),
  run: () => runScenario(askedAgain, { tampering: { core: forgetful } }),
};

function forgetful(replica: OrderingReplica): ReplicaCore {
  const core = replica['core'];
  return {
    step: (input): readonly Output[] => {
      const outputs = replica.step(input);
      const isCheckpoint = ({ kind, ...output }: Output): boolean =>
        kind === 'deliver' && 'sequenceNumber' in output && output.sequenceNumber % 4 === 0;
      if (outputs.some(isCheckpoint))
        for (const session of core.sessions.used.values()) session.outcomes.clear();
      return outputs;
    },
    status: () => replica.status(),
    stateDigest: () => replica.stateDigest(),
    validate: () => replica.validate(),
  };
}
