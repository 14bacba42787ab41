/** f+1 replicas tell clients something else than they executed: what a client believes is then wrong. */
import type { ReplicaId } from '../../base/index.js';
import { encodeResult } from '../../codec/index.js';
import type { Output } from '../../ordering/index.js';
import { runScenario } from '../scenario/runner.js';
import type { Canary } from './canary.js';

const countTwice = `
cluster n=4
open c1
drop kind=reply from=0,3
call c1 out ["a",1]
run 100ms
`;

export const lyingReplies: Canary = {
  name: 'lying-replies',
  bug: 'f+1 replicas lie to the clients alike',
  checkers: ['replay'],
  run: () => runScenario(countTwice, { tampering: { outputs: lie } }),
};

const lie = (outputs: readonly Output[], replica: ReplicaId): readonly Output[] =>
  outputs.map((output) => {
    if (output.kind !== 'reply' || replica === 0 || replica === 3) return output;
    const result = encodeResult({ kind: 'count', count: 7 });
    return { ...output, outcomes: output.outcomes.map(() => ({ kind: 'result', result }) as const) };
  });
