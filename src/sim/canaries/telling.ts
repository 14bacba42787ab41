/** Bugs in what subscribers are told (DESIGN section 4; pitfall 22). */
import { replicaId } from '../../base/index.js';
import type { ReplicaId } from '../../base/index.js';
import { encodeEvent } from '../../codec/index.js';
import type { FeedPart, Output, StateMachine } from '../../ordering/index.js';
import type { SimulationReport } from '../simulation.js';
import { runScenario } from '../scenario/runner.js';
import type { Tampering } from '../world-options.js';
import { altered } from './altered.js';
import type { Canary } from './canary.js';

const threeEvents = `
cluster n=4 clients=2
open c1 c2
subscribe c1 s ["a",null]
await c1#2
call c2 out ["a",1]
await c2#2
call c2 out ["a",2]
await c2#3
call c2 inp ["a",1]
await c2#4
run 500ms
`;

function canary(name: string, bug: string, tampering: Tampering): Canary {
  const control = (): SimulationReport => runScenario(threeEvents);
  return {
    name,
    bug,
    checkers: ['event-streams'],
    run: () => runScenario(threeEvents, { tampering }),
    control,
  };
}

type Events = Extract<FeedPart, { readonly kind: 'events' }>['events'];

/** Every replica's feeds, read otherwise. */
const reading = (change: (events: Events) => Events): Tampering => ({
  stateMachine: (machine: StateMachine) =>
    altered(machine, {
      readFeed: (feed, position, limits) => {
        const part = machine.readFeed!(feed, position, limits);
        return part?.kind === 'events' ? { ...part, events: change(part.events) } : part;
      },
    }),
});

export const lostEvent = canary(
  'lost-event',
  'one event is never told',
  reading((events) => events.filter(({ sequence }) => sequence !== 2)),
);

let first: Uint8Array | null = null;

export const repeatedEvent = canary(
  'repeated-event',
  'one event is told again under the next number',
  reading((events) =>
    events.map((event) => {
      if (event.sequence === 1) first = event.data;
      return event.sequence === 2 && first !== null ? { ...event, data: first } : event;
    }),
  ),
);

export const renumberedEvents = canary(
  'renumbered-events',
  'events are told under other numbers',
  reading((events) => events.map(({ sequence, data }) => ({ sequence: sequence + 1, data }))),
);

const invented = encodeEvent({
  kind: 'expired',
  entry: { id: 1n, tuple: ['a', 1], owner: '00'.repeat(32) as never, deadline: 7 },
});

export const lyingFeeds = canary('lying-feeds', 'f+1 replicas tell a client something else alike', {
  outputs: (outputs: readonly Output[], replica: ReplicaId) =>
    outputs.flatMap((output): readonly Output[] => {
      if (output.kind !== 'feedEvent') return [output];
      return replica === 0 || replica === 3 ? [] : [{ ...output, data: invented }];
    }),
});

/** Replica 1 lies, and is heard first. */
const oneLiar = threeEvents
  .replace('open', 'byzantine 1\nhold kind=feedEvent from=0,2,3 as=true\nopen')
  .concat('clear\nrelease true\nrun 500ms\n');

const liar: Tampering = {
  outputs: (outputs, replica) =>
    outputs.map((output) =>
      output.kind === 'feedEvent' && replica === 1 ? { ...output, data: invented } : output,
    ),
};

const believingOne: Tampering = {
  // Every word counts as said by the next replica, too.
  client: (core) => {
    const step = core.step.bind(core);
    core.step = (input) => {
      const outputs = step(input);
      if (input.kind !== 'message' || input.message.kind !== 'feedEvent') return outputs;
      return [...outputs, ...step({ ...input, from: replicaId((input.from + 1) % 4) })];
    };
  },
};

export const credulousClient: Canary = {
  name: 'credulous-client',
  bug: 'a client believes an event that one replica tells',
  checkers: ['event-streams'],
  tampering: () => believingOne,
  control: () => runScenario(oneLiar, { tampering: liar }),
  run: () =>
    runScenario(oneLiar, {
      tampering: {
        ...liar,
        ...believingOne,
      },
    }),
};

export const falseTruncation = canary('false-truncation', 'events that are held are said to be gone', {
  stateMachine: (machine: StateMachine) =>
    altered(machine, {
      readFeed: (feed, position, limits) =>
        position.after >= 1 ? { kind: 'truncated' } : machine.readFeed!(feed, position, limits),
    }),
});
