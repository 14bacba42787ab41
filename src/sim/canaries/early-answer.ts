/** A request is answered at once and ordered later: the order then contradicts what clients saw. */
import { decodeOperation, encodeResult } from '../../codec/index.js';
import type { Requests } from '../../codec/index.js';
import type { Input, OrderingReplica, Output } from '../../ordering/index.js';
import type { ReplicaCore } from '../replica-host.js';
import { runScenario } from '../scenario/runner.js';
import type { Canary } from './canary.js';

/** Taking from an empty place: the answer is right whenever it is given, only the order is not. */
const answeredFirst = `
cluster n=4 clients=2
open c1 c2
call c1 inp ["nothing"]
await c1#2
run 1ms
call c2 out ["a",1]
await c2#2
run 1s
`;

const delayMs = 500;

export const earlyAnswer: Canary = {
  name: 'early-answer',
  bug: 'inp is answered before it is ordered',
  checkers: ['real-time'],
  tampering: () => ({ core: hasty }),
  run: () => runScenario(answeredFirst, { tampering: { core: hasty } }),
};

function hasty(replica: OrderingReplica): ReplicaCore {
  let nowMs = 0;
  let later: { readonly input: Input; readonly dueMs: number }[] = [];
  return {
    step: (input) => {
      if (input.kind === 'envelope') {
        const { body } = input.envelope;
        if (body.kind === 'requests' && isTake(body)) {
          later.push({ input, dueMs: nowMs + delayMs });
          return [emptyHanded(body)];
        }
      }
      if (input.kind !== 'tick') return replica.step(input);
      nowMs = input.nowMs;
      const due = later.filter(({ dueMs }) => dueMs <= nowMs);
      later = later.filter(({ dueMs }) => dueMs > nowMs);
      return [input, ...due.map((one) => one.input)].flatMap((one) => replica.step(one));
    },
    status: () => replica.status(),
    stateDigest: () => replica.stateDigest(),
    validate: () => replica.validate(),
  };
}

const isTake = ({ operations }: Requests): boolean =>
  operations.every((operation) => decodeOperation(operation)?.kind === 'inp');

function emptyHanded({ client, session, firstNumber, operations }: Requests): Output {
  const result = encodeResult({ kind: 'entry', entry: null });
  const outcomes = operations.map(() => ({ kind: 'result', result }) as const);
  return { kind: 'reply', client, session, firstNumber, outcomes };
}
