/** Bugs in how sessions, waits and histories come to their end (DESIGN sections 2 and 4; pitfalls 13, 19 and 22). */
import type { SessionId } from '../../base/index.js';
import { decodeOperation, decodeResult, encodeResult } from '../../codec/index.js';
import type { Operation, Result } from '../../codec/index.js';
import type { OrderingReplica, StateMachine } from '../../ordering/index.js';
import type { ReplicaCore } from '../replica-host.js';
import type { SimulationReport } from '../simulation.js';
import { runScenario } from '../scenario/runner.js';
import { altered } from './altered.js';
import type { Tampering } from '../world-options.js';
import type { Canary } from './canary.js';

/** c1 is cut off for longer than its session lasts, while it waits. */
const lapsed = `
cluster n=4 clients=2
open c1 c2
call c1 in ["a",null]
until waiting c1#2
partition 0..3 c2 | c1
run 31s
call c2 out ["a",1]
await c2#2
call c2 count ["a",null]
await c2#3
heal
`;

/** Cut off for a while, but not for that long. */
const interrupted = lapsed.replace('31s', '20s').replace('call c2 out ["a",1]', 'call c2 out ["b",1]');

const cancelledLate = `
cluster n=4 clients=2
open c1 c2
call c1 in ["a",null]
until waiting c1#2
hold kind=reply to=c1 as=late
call c2 out ["a",1]
await c2#2
cancel c1 c1#2
run 100ms
clear
release late
await c1#3
`;

/** 151 events; then somebody wants the first. */
const longPast = (history: string): string => `
cluster n=4 clients=2 ${history}
open c1 c2
call c2 out ["a",0]
await c2#2
${Array.from({ length: 75 }, (_, i) => `call c2 replace ["a",null] ["a",${i + 1}]\nawait c2#${i + 3}`).join('\n')}
subscribe c1 s ["a",null] from=1
run 500ms
`;

/** Replica 3 learns of the wake by state transfer, and is needed for the client to believe it. */
const toldByOne = `
cluster n=4 clients=2 checkpoint=4 window=8 history=0
open c1 c2
call c1 in ["a",null]
until waiting c1#2
cut 3 0..2
drop kind=reply from=0..2 to=c1
call c2 out ["a",1]
await c2#2
${Array.from({ length: 8 }, (_, i) => `call c2 out ["b",${i}]\nawait c2#${i + 3}`).join('\n')}
heal
until transfers >= 1
until executed equal
stop 0
clear
drop kind=reply from=1 to=c1
disconnect c1 2..3
await c1#2
`;

/** The service's answers, changed. */
const answering =
  (change: (operation: Operation, result: Result) => Result) =>
  (machine: StateMachine): StateMachine =>
    altered(machine, {
      execute: (ordered, effects) => {
        const bytes = machine.execute(ordered, effects);
        const operation = decodeOperation(ordered.operation);
        const result = bytes === null ? null : decodeResult(bytes);
        return operation === null || result === null ? bytes : encodeResult(change(operation, result));
      },
    });

function canary(
  name: string,
  bug: string,
  checkers: readonly string[],
  script: string,
  tampering: Tampering,
): Canary {
  const control = (): SimulationReport => runScenario(script);
  return { name, bug, checkers, run: () => runScenario(script, { tampering }), control };
}

export const outlivedSession = canary(
  'outlived-session',
  'a wait goes on when its session has ended',
  ['waiting', 'lease-truth'],
  lapsed,
  {
    service: (machine) => {
      const ended = new Set<SessionId>();
      return altered(machine, {
        endSession: (session) => void ended.add(session),
        execute: (operation, effects) =>
          machine.execute(operation, {
            resolve: (session, ...late) => ended.has(session) || effects.resolve(session, ...late),
            notify: (session, number) => effects.notify(session, number),
            endClient: (client) => effects.endClient(client),
          }),
      });
    },
  },
);

const withLease =
  (factor: number) =>
  (replica: OrderingReplica): ReplicaCore => {
    const core = replica['core'];
    const sessionLeaseMs = core.config.sessionLeaseMs * factor;
    Object.assign(core, { config: { ...core.config, sessionLeaseMs } });
    return replica;
  };

export const longSession = canary(
  'long-session',
  'a session lasts twice as long as its lease',
  ['sessions'],
  lapsed,
  { core: withLease(2) },
);

export const shortSession = canary(
  'short-session',
  'a session ends before its lease is over',
  ['sessions'],
  interrupted,
  { core: withLease(0.5) },
);

export const falseCancel = canary(
  'false-cancel',
  'a cancel that comes after the wake says that it cancelled',
  ['waiting'],
  cancelledLate,
  { service: answering(({ kind }, result) => (kind === 'cancel' ? { kind: 'cancelled' } : result)) },
);

export const hiddenGap = canary(
  'hidden-gap',
  'events are promised that are held no more',
  ['waiting'],
  longPast('events=64'),
  {
    service: answering((operation, result) =>
      operation.kind === 'subscribe' && result.kind === 'refused'
        ? { kind: 'subscribed', from: operation.from! }
        : result,
    ),
  },
);

export const needlessGap = canary(
  'needless-gap',
  'events that are held are refused as gone',
  ['waiting'],
  longPast('events=256'),
  {
    service: answering(({ kind }, result) =>
      kind === 'subscribe' ? { kind: 'refused', code: 'HISTORY_TRUNCATED', detail: 2 } : result,
    ),
  },
);

/** The state is as it should be, but who has learnt it from others does not tell. */
export const untoldWake = canary(
  'untold-wake',
  'a late outcome that came by state transfer is told to nobody',
  ['scenario'],
  toldByOne,
  {
    outputs: (outputs, replica, { replicas }) =>
      replicas[replica]!.restores === 0 ? outputs : outputs.filter(({ kind }) => kind !== 'reply'),
  },
);
