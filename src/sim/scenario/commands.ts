/** What each command of a scenario does; the table is the language. Cluster and world are in runner.ts. */
import { replicaId } from '../../base/index.js';
import type { ReplicaId } from '../../base/index.js';
import { IdleExpiry } from '../checkers/idle-expiry.js';
import { Violation } from '../checkers/violation.js';
import type { ClientHost } from '../client-host.js';
import { watchIdle } from '../simulation.js';
import { judge } from './expectations.js';
import { buildMessage, inject } from './injection.js';
import type { Operation } from '../../codec/index.js';
import { parseOperation, parseTemplate } from './json-values.js';
import type { Command } from './script.js';
import { parseDurationUs, parseInteger, parseNodes, refuseScript } from './script.js';
import type { Stage } from './stage.js';

type Handler = (stage: Stage, command: Command) => void;

const pollUs = 1_000;
const defaultWaitUs = 30_000_000;
const defaultTimeoutMs = 60_000;

const nodesOf = (stage: Stage, command: Command, text: string | undefined): number[] =>
  parseNodes(text ?? refuseScript(command.line, 'which one?'), stage.world.n, command.line);

const replicasOf = (stage: Stage, command: Command, text: string | undefined): ReplicaId[] =>
  nodesOf(stage, command, text).map((node) =>
    node < stage.world.n ? replicaId(node) : refuseScript(command.line, 'not a replica'),
  );

function clientOf(stage: Stage, command: Command, text: string | undefined): ClientHost {
  const [node] = nodesOf(stage, command, text);
  return stage.world.clients[node! - stage.world.n] ?? refuseScript(command.line, `no client ${text ?? ''}`);
}

const parseMs = (text: string, line: number): number => Math.floor(parseDurationUs(text, line) / 1_000);

function timeOf({ options, line }: Command, name: 'lease' | 'wait'): number | null {
  const text = options.get(name);
  return text === undefined ? null : parseMs(text, line);
}

function call(stage: Stage, command: Command): void {
  const { words, options, line } = command;
  const times = { lease: timeOf(command, 'lease'), wait: timeOf(command, 'wait') };
  const operation = parseOperation(words.slice(1), line, times);
  const timeoutMs = parseMs(options.get('timeout') ?? `${defaultTimeoutMs}ms`, line);
  clientOf(stage, command, words[0]).call(operation, words.includes('fast'), timeoutMs, () => undefined);
}

/** `cancel c2 c1#3`: client 2 has the wait of call c1#3 cancelled. */
function cancel(stage: Stage, command: Command): void {
  const { words, line } = command;
  const name = stage.call(words[1] ?? '', line).waitsAs ?? refuseScript(line, `${words[1]} does not wait`);
  const operation: Operation = { kind: 'cancel', space: 'default', ...name };
  clientOf(stage, command, words[0]).call(operation, false, defaultTimeoutMs, () => undefined);
}

/** `subscribe c1 s1 ["a",null] from=3`: what it is told goes by the name s1; `stalled`: nothing of it is used. */
function subscribe(stage: Stage, command: Command): void {
  const { words, options, line } = command;
  const from = options.get('from');
  const template = parseTemplate(words[2], line);
  const operation: Operation = {
    kind: 'subscribe',
    space: 'default',
    template,
    from: from === undefined ? null : parseInteger(from, line),
  };
  const client = clientOf(stage, command, words[0]);
  client.call(operation, false, defaultTimeoutMs, (entry) =>
    stage.follow(words[1] ?? '', client, template, entry, words.includes('stalled')),
  );
}

/** Waits until an expectation holds. */
function until(stage: Stage, command: Command): void {
  const within = command.options.get('within');
  const waitUs = within === undefined ? defaultWaitUs : parseDurationUs(within, command.line);
  let last: string | null = null;
  const holds = (): boolean => (last = judge(stage, command.words, command.line)) === null;
  if (!stage.world.simulator.runUntil(holds, waitUs, pollUs)) fail(command, 'liveness', last);
}

function fail(command: Command, kind: 'safety' | 'liveness', instead: string | null): never {
  throw new Violation(kind, 'scenario', `line ${command.line}: ${command.text}: ${instead ?? 'it is so'}`);
}

/** A session of its own for each client, so that later calls are alone in their batches. */
function open(stage: Stage, command: Command): void {
  const clients = command.words.map((word) => clientOf(stage, command, word));
  const operation = parseOperation(['count', '["warm-up"]'], command.line);
  const entries = clients.map((client) => client.call(operation, false, defaultTimeoutMs, () => undefined));
  const isOpen = (): boolean => entries.every(({ outcome }) => outcome?.kind === 'result');
  if (!stage.world.simulator.runUntil(isOpen, defaultWaitUs, pollUs)) fail(command, 'liveness', 'no session');
}

/** `cut 0 -> 2`, `cut 0 2`. */
function link(stage: Stage, command: Command, act: (from: number, to: number) => void): void {
  const isOneWay = command.words[1] === '->';
  const [left, right] = [command.words[0], command.words[isOneWay ? 2 : 1]];
  for (const from of nodesOf(stage, command, left)) {
    for (const to of nodesOf(stage, command, right)) {
      act(from, to);
      if (!isOneWay) act(to, from);
    }
  }
}

/** `partition 0 c1 | 1..3 c2`. */
function partition(stage: Stage, command: Command): void {
  const groups: number[][] = [[]];
  for (const word of command.words) {
    if (word === '|') groups.push([]);
    else groups.at(-1)!.push(...nodesOf(stage, command, word));
  }
  stage.world.network.partition(groups);
}

function injectMessage(stage: Stage, command: Command): void {
  const { options, words, line } = command;
  const [from] = replicasOf(stage, command, options.get('from'));
  const message = buildMessage(stage, words[0] ?? '', from!, command);
  for (const to of replicasOf(stage, command, options.get('to'))) inject(stage, from!, to, message, line);
}

/** `batch b1 time=0ms envelopes=c1#1,c2#1`, `batch b2 after=b1 by=3s envelopes=c1#2`, `batch b3 captured=p`. */
function batch(stage: Stage, command: Command): void {
  const { words, options, line } = command;
  const name = words[0] ?? refuseScript(line, 'the batch needs a name');
  const captured = options.get('captured');
  if (captured === undefined) {
    const envelopes = options.get('envelopes')?.split(',') ?? [];
    const after = options.get('after');
    const timeMs = after === undefined ? stage.nowMs : stage.batchTimeMs(after, line);
    const offset = options.get(after === undefined ? 'time' : 'by') ?? '0ms';
    stage.defineBatch(name, timeMs + parseMs(offset, line), envelopes, line);
    return;
  }
  const message = stage.rules.kept(captured)[0]?.message;
  if (message?.kind !== 'prePrepare') refuseScript(line, `${captured} holds no PRE-PREPARE`);
  stage.nameBatch(name, message.batch);
}

function release(stage: Stage, command: Command): void {
  const { words, options, line } = command;
  const to = options.get('to');
  const count = stage.rules.release(words[0] ?? '', to === undefined ? null : nodesOf(stage, command, to));
  if (count === 0) refuseScript(line, `nothing is kept as ${words[0] ?? ''}`);
}

/** `acquire c1 a lease=3s`: takes the lock by `cas`, and believes what the client library's rule says. */
function acquire(stage: Stage, command: Command): void {
  const [name, lock = ''] = command.words;
  const lease = timeOf(command, 'lease') ?? refuseScript(command.line, 'a lock needs lease=');
  stage.holder(clientOf(stage, command, name)).acquire(lock, lease, defaultTimeoutMs, () => undefined);
}

/** No traffic: nothing may be overdue for longer than `within`. */
function idle(stage: Stage, { words, options, line }: Command): void {
  const within = parseMs(options.get('within') ?? refuseScript(line, 'within= is missing'), line);
  watchIdle(stage.world, parseDurationUs(words[0] ?? '', line), new IdleExpiry(within));
}

const each =
  (act: (stage: Stage, replica: ReplicaId) => void): Handler =>
  (stage, command) => {
    for (const replica of replicasOf(stage, command, command.words[0])) act(stage, replica);
  };

export const handlers: Readonly<Record<string, Handler>> = {
  open,
  call,
  until,
  await: (stage, command) => {
    const [name = ''] = command.words;
    until(stage, { ...command, words: ['outcome', name, 'result'] });
  },
  cancel,
  subscribe,
  acquire,
  extend: (stage, command) => stage.holder(clientOf(stage, command, command.words[0])).renew(() => undefined),
  idle,
  run: (stage, { words, line }) => stage.world.simulator.run(parseDurationUs(words[0] ?? '', line)),
  expect: (stage, command) => {
    const instead = judge(stage, command.words, command.line);
    if (instead !== null) fail(command, 'safety', instead);
  },
  drop: (stage, command) => stage.rules.add('drop', command),
  delay: (stage, command) => stage.rules.add('delay', command),
  hold: (stage, command) => stage.rules.add('hold', command),
  capture: (stage, command) => stage.rules.add('capture', command),
  clear: (stage, { words }) => stage.rules.clear(words[0]),
  release,
  replay: release,
  inject: injectMessage,
  batch,
  cut: (stage, command) => link(stage, command, (from, to) => stage.world.network.cut(from, to)),
  mend: (stage, command) => link(stage, command, (from, to) => stage.world.network.mend(from, to)),
  partition,
  heal: (stage) => stage.world.network.heal(),
  stop: each((stage, replica) => stage.world.stopReplica(replica)),
  restart: each((stage, replica) => stage.world.restartReplica(replica)),
  /** What lies on the disk of a stopped replica is gone: `all`, or the saved `state` alone. */
  damage: (stage, command) => {
    const [replicas, what] = command.words;
    if (what !== 'all' && what !== 'state') refuseScript(command.line, 'damage all or state?');
    for (const replica of replicasOf(stage, command, replicas))
      stage.world.replicas[replica]!.disk?.damage(what);
  },
  pause: each((stage, replica) => stage.world.replicas[replica]!.pause()),
  resume: each((stage, replica) => stage.world.replicas[replica]!.resume()),
  /** Its clock stands still from now on. */
  freeze: each((stage, replica) => stage.world.replicas[replica]!.clock.freeze()),
  /** From now on only injected messages leave it. */
  puppet: each((stage, replica) => {
    stage.puppets.add(replica);
    stage.world.byzantine.set(replica, 'puppet');
  }),
  /** It speaks for itself and through injected messages, and the checkers do not look at it. */
  byzantine: each((stage, replica) => stage.world.byzantine.set(replica, 'by the script')),
  disconnect: (stage, command) => {
    const client = clientOf(stage, command, command.words[0]);
    for (const replica of replicasOf(stage, command, command.words[1])) client.streams.disconnect(replica);
  },
};
