/** Bugs in what subscribers are told (DESIGN section 4; pitfall 22). */
import type { ReplicaId } from '../../base/index.js';
import { encodeEvent } from '../../codec/index.js';
import type { FeedPart, Output, StateMachine } from '../../ordering/index.js';
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
  return { name, bug, checkers: ['event-streams'], run: () => runScenario(threeEvents, { tampering }) };
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
