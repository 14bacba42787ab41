/** The checkers of waits, sessions and feeds, on committed orders of the real service and on spoilt ones. */
import { describe, expect, it } from 'vitest';
import { clientId, prng, sequenceNumber, sessionId } from '../../src/base/index.js';
import type { ClientId, Digest, Prng, SessionId } from '../../src/base/index.js';
import {
  any,
  decodeResult,
  encodeBatch,
  encodeEnvelopeBody,
  encodeEvent,
  encodeOperation,
  encodeResult,
  sealEnvelope,
} from '../../src/codec/index.js';
import type { EnvelopeBody, Operation, Result, Template } from '../../src/codec/index.js';
import { createService } from '../../src/service/index.js';
import { sha256 } from '../../src/sim/authenticator.js';
import type { CommittedStep, DeliveredBatch, Effect } from '../../src/sim/checkers/committed-order.js';
import { stepsOf } from '../../src/sim/checkers/committed-order.js';
import { checkEventStreams } from '../../src/sim/checkers/event-streams.js';
import type { ToldFeed } from '../../src/sim/checkers/event-streams.js';
import { checkReplay, positionsOf } from '../../src/sim/checkers/replay.js';
import { checkSessions } from '../../src/sim/checkers/sessions.js';
import { checkWaiting } from '../../src/sim/checkers/waiting.js';
import type { WaitLimits } from '../../src/sim/checkers/waiting.js';
import { RecordingStateMachine } from '../../src/sim/recording-state-machine.js';

const limits: WaitLimits = {
  leaseMinMs: 2_200,
  leaseMaxMs: 60_000,
  waitsPerClientMax: 3,
  eventsPerSpaceMax: 64,
};
const service = (): ReturnType<typeof createService> => createService({ hash: sha256, limits });
const space = 'default';
const clients = ['11', '22', '33'].map((two) => clientId(two.repeat(32)));
const keys: Template = [{ kind: 'value', value: 'a' }, any];

/** Executes in the real service, an operation a batch, and keeps what the checkers are given. */
class Order {
  readonly batches: DeliveredBatch[] = [];
  readonly #machine = new RecordingStateMachine(service());
  readonly #numbers = new Map<SessionId, number>();
  time = 1_000_000;
  /** What the ordering layer says to a late result, and of the session's room. */
  hasRoom = true;
  mayWait = true;

  /** Client and session of this number. */
  ask(who: number, operation: Operation): { session: SessionId; number: number } {
    const session = sessionId(who + 1);
    const number = (this.#numbers.get(session) ?? 0) + 1;
    this.#numbers.set(session, number);
    this.#machine.advanceTime(this.time, this.#effects);
    const ordered = {
      client: clients[who % clients.length]!,
      session,
      number,
      operation: encodeOperation(operation),
      sequenceNumber: sequenceNumber(this.batches.length + 1),
      time: this.time,
      isVerified: true,
      mayWait: this.mayWait,
    };
    this.#machine.execute(ordered, this.#effects);
    this.#deliver();
    return { session, number };
  }

  pass(ms: number, ended: readonly number[] = []): void {
    this.time += ms;
    for (const who of ended) {
      this.#machine.endSession(sessionId(who + 1));
      this.#numbers.delete(sessionId(who + 1));
    }
    this.#machine.advanceTime(this.time, this.#effects);
    this.#deliver();
  }

  get steps(): CommittedStep[] {
    return stepsOf(this.batches);
  }

  readonly #effects = {
    resolve: (): boolean => this.hasRoom,
    notify: (): void => undefined,
    endClient: (): void => undefined,
  };

  #deliver(): void {
    const number = sequenceNumber(this.batches.length + 1);
    const digest = 'ab'.repeat(32) as Digest;
    this.batches.push({ sequenceNumber: number, digest, time: this.time, ...this.#machine.take() });
  }
}

const wait = (kind: 'rd' | 'in', timeout: number | null = null): Operation => ({
  kind,
  space,
  template: keys,
  timeout,
});
const out = (value: number, lease: number | null = null): Operation => ({
  kind: 'out',
  space,
  tuple: ['a', value],
  lease,
});

/** Two wait, one takes; the step with the wakes is the last but one. */
function twoWoken(): Order {
  const order = new Order();
  order.ask(0, wait('rd'));
  order.ask(1, wait('in'));
  order.ask(2, out(1));
  return order;
}

const spoilt = (
  steps: readonly CommittedStep[],
  change: (effects: readonly Effect[]) => readonly Effect[],
): CommittedStep[] =>
  steps.map((step) => (step.effects.length === 0 ? step : { ...step, effects: change(step.effects) }));

const answered = (steps: readonly CommittedStep[], result: Result): CommittedStep[] =>
  steps.map((step, index) =>
    index === steps.length - 1
      ? { ...step, execution: { ...step.execution!, result: encodeResult(result) } }
      : step,
  );

describe('waits', () => {
  it('tell the events of what happened', () => {
    const events = checkWaiting(twoWoken().steps, limits);
    expect(events.map(({ sequence, kind }) => [sequence, kind])).toEqual([
      [1, 'inserted'],
      [2, 'taken'],
    ]);
  });

  const wrong: [string, (effects: readonly Effect[]) => readonly Effect[], string][] = [
    ['another order', (effects) => effects.toReversed(), 'came first'],
    ['a wake that is missing', (effects) => effects.slice(0, 1), 'should have been woken'],
    ['a wake too many', (effects) => [...effects, effects[0]!], 'without a reason'],
    [
      'another result',
      (effects) => effects.map((one) => ({ ...one, result: encodeResult({ kind: 'entry', entry: null }) })),
      'another result',
    ],
  ];
  for (const [what, change, message] of wrong)
    it(`notice ${what}`, () => {
      expect(() => checkWaiting(spoilt(twoWoken().steps, change), limits)).toThrow(message);
    });

  it('notice a timeout that comes too early or too late', () => {
    const order = new Order();
    order.ask(0, wait('rd', 500));
    order.pass(499);
    order.pass(1);
    const { steps } = order;
    expect(() => checkWaiting(steps, limits)).not.toThrow();
    const { effects } = steps.at(-1)!;
    expect(effects).toHaveLength(1);
    const early = steps.map((step, index) =>
      index === steps.length - 2 ? { ...step, effects } : { ...step, effects: [] },
    );
    expect(() => checkWaiting(early, limits)).toThrow('without a reason');
    expect(() =>
      checkWaiting(
        spoilt(steps, () => []),
        limits,
      ),
    ).toThrow('should have been woken');
  });

  it('leave the entry to the next where a session has no room for it', () => {
    const order = new Order();
    order.ask(0, wait('in'));
    order.ask(1, wait('in'));
    order.hasRoom = false;
    order.ask(2, out(1));
    expect(checkWaiting(order.steps, limits).map(({ kind }) => kind)).toEqual(['inserted']);
    expect(order.steps.at(-1)!.effects.map(({ isGiven }) => isGiven)).toEqual([false, false]);
  });

  it('end with their session, and nothing wakes them then', () => {
    const order = new Order();
    order.ask(0, wait('in'));
    order.pass(1, [0]);
    order.ask(1, out(1));
    expect(checkWaiting(order.steps, limits).map(({ kind }) => kind)).toEqual(['inserted']);
    const survives = order.steps.map((step) => ({ ...step, ended: [] }));
    expect(() => checkWaiting(survives, limits)).toThrow('should have been woken');
  });

  it('are refused exactly beyond the limits', () => {
    const order = new Order();
    for (let count = 0; count < limits.waitsPerClientMax; count++) order.ask(0, wait('rd'));
    const { steps: within } = order;
    expect(() => checkWaiting(within, limits)).not.toThrow();
    expect(() => checkWaiting(within, { ...limits, waitsPerClientMax: 2 })).toThrow('with 2 waits');
    order.ask(0, wait('rd'));
    order.mayWait = false;
    order.ask(1, wait('rd'));
    expect(() => checkWaiting(order.steps, limits)).not.toThrow();
    expect(() => checkWaiting(order.steps, { ...limits, waitsPerClientMax: 4 })).toThrow('with 3 waits');
  });
});

describe('cancels', () => {
  const cancel = (request: { session: SessionId; number: number }): Operation => ({
    kind: 'cancel',
    space,
    ...request,
  });
  const refusal: Result = { kind: 'refused', code: 'NO_SUCH_WAIT', detail: 0 };

  it('end what waits, for its own client, once', () => {
    const order = new Order();
    const request = order.ask(0, wait('in'));
    order.ask(1, cancel(request));
    const { steps: foreign } = order;
    expect(() => checkWaiting(foreign, limits)).not.toThrow();
    expect(() => checkWaiting(answered(foreign, { kind: 'cancelled' }), limits)).toThrow('not there');
    order.ask(0, cancel(request));
    const { steps: own } = order;
    expect(() => checkWaiting(own, limits)).not.toThrow();
    expect(() => checkWaiting(answered(own, refusal), limits)).toThrow('there: refused');
    order.ask(0, cancel(request));
    expect(() => checkWaiting(order.steps, limits)).not.toThrow();
  });

  it('end a subscription, too', () => {
    const order = new Order();
    const request = order.ask(0, { kind: 'subscribe', space, template: keys, from: null });
    order.ask(0, cancel(request));
    const { steps } = order;
    expect(() => checkWaiting(steps, limits)).not.toThrow();
    expect(() => checkWaiting(answered(steps, refusal), limits)).toThrow('there: refused');
  });
});

describe('histories', () => {
  function past(from: number): CommittedStep[] {
    const order = new Order();
    for (let value = 0; value < 200; value++) order.ask(0, out(value));
    order.ask(1, { kind: 'subscribe', space, template: keys, from });
    return order.steps;
  }

  it('may lack what is too old, and nothing else', () => {
    for (const from of [1, 65, 128, 129, 192, 200, 201, 250])
      expect(() => checkWaiting(past(from), limits), String(from)).not.toThrow();
    const refusal = (detail: number): Result => ({ kind: 'refused', code: 'HISTORY_TRUNCATED', detail });
    expect(() => checkWaiting(answered(past(1), { kind: 'subscribed', from: 1 }), limits)).toThrow(
      'events from 1 on: subscribed',
    );
    expect(() => checkWaiting(answered(past(200), refusal(129)), limits)).toThrow(
      'events from 200 on: refused',
    );
    expect(() => checkWaiting(answered(past(200), refusal(201)), limits)).toThrow(
      'events from 200 on: refused',
    );
    expect(() => checkWaiting(answered(past(200), { kind: 'subscribed', from: 201 }), limits)).toThrow(
      'elsewhere',
    );
  });
});

function draw(random: Prng, requests: readonly { session: SessionId; number: number }[]): Operation {
  const template: Template = [{ kind: 'value', value: random.pick(['a', 'b']) }, any];
  const tuple = [random.pick(['a', 'b']), random.below(3)];
  const lease = random.chance(1, 3) ? random.between(2_200, 5_000) : null;
  const timeout = random.chance(1, 3) ? null : random.between(1, 2_000);
  const drawn: readonly Operation[] = [
    { kind: 'rd', space, template, timeout },
    { kind: 'in', space, template, timeout },
    { kind: 'out', space, tuple, lease },
    { kind: 'cas', space, template, tuple, lease },
    { kind: 'replace', space, template, tuple, lease },
    { kind: 'inp', space, template },
    { kind: 'inAll', space, template, limit: random.below(3) },
    { kind: 'subscribe', space, template, from: random.pick([null, random.between(1, 300)]) },
    { kind: 'renew', space, template, lease: 3_000 },
  ];
  if (requests.length > 0 && random.chance(1, 6)) return { kind: 'cancel', space, ...random.pick(requests) };
  return random.pick(drawn);
}

describe('the naive model of waits', () => {
  it('agrees with the service, whatever is asked', () => {
    let woken = 0;
    const codes = new Set<string>();
    for (let seed = 0; seed < 30; seed++) {
      const random = prng(seed).stream('waits');
      const order = new Order();
      const requests: { session: SessionId; number: number }[] = [];
      for (let step = 0; step < 300; step++) {
        order.time += random.pick([0, 1, 100, 700]);
        order.hasRoom = !random.chance(1, 10);
        order.mayWait = !random.chance(1, 20);
        if (random.chance(1, 15))
          order.pass(random.below(3_000), random.chance(1, 2) ? [random.below(3)] : []);
        else requests.push(order.ask(random.below(3), draw(random, requests)));
      }
      // Numbers begin anew with a session of this test, so that places are not unique; the model looks at steps alone.
      const { steps } = order;
      checkWaiting(steps, limits);
      checkReplay(steps, service());
      woken += steps.flatMap(({ effects }) => effects).length;
      for (const { execution } of steps) {
        const result = execution?.result ? decodeResult(execution.result) : null;
        if (result?.kind === 'refused') codes.add(result.code);
      }
      for (const [index, { effects }] of steps.entries()) {
        if (effects.length === 0 || !random.chance(1, 4)) continue;
        const one = steps.map((step, at) => (at === index ? { ...step, effects: effects.slice(1) } : step));
        expect(() => checkWaiting(one, limits)).toThrow();
      }
    }
    expect(woken).toBeGreaterThan(500);
    for (const code of ['TOO_MANY_WAITS', 'NO_SUCH_WAIT', 'HISTORY_TRUNCATED']) expect(codes).toContain(code);
  });
});

describe('positions', () => {
  it('put a wait where it was woken, and leave one that waits nowhere', () => {
    const order = twoWoken();
    order.ask(0, wait('rd'));
    const places = positionsOf(order.steps);
    expect(places.get('1#1')).toMatchObject({ started: 1, position: 5, isGiven: true });
    expect(places.get('2#1')).toMatchObject({ started: 3, position: 5 });
    expect(places.get('1#2')).toMatchObject({ started: 7, position: null, result: null });
  });

  it('notice a wake of what does not wait', () => {
    const doubled = spoilt(twoWoken().steps, (effects) => [...effects, effects[0]!]);
    expect(() => positionsOf(doubled)).toThrow('did not wait');
  });
});

describe('event streams', () => {
  const order = new Order();
  for (let value = 0; value < 150; value++) order.ask(0, out(value));
  const events = checkWaiting(order.steps, limits);
  const told = (from: number, to: number): ToldFeed['told'] =>
    events.slice(from - 1, to).map((event) => ({ sequence: event.sequence, data: encodeEvent(event) }));
  const feed = (change: Partial<ToldFeed>): ToldFeed => ({
    client: 4,
    request: { session: sessionId(1), number: 1 },
    template: keys,
    from: 140,
    told: told(140, 150),
    isOpen: true,
    truncatedAfter: null,
    ...change,
  });
  const check = (change: Partial<ToldFeed>) => (): void => checkEventStreams([feed(change)], events, limits);

  it('are all events from the first one promised on', () => {
    expect(check({})).not.toThrow();
    expect(check({ told: told(140, 145), isOpen: false })).not.toThrow();
    expect(check({ template: [any], told: [] })).not.toThrow();
  });

  it('notice what is lost, repeated, out of order, invented or told otherwise', () => {
    const all = told(140, 150);
    expect(check({ told: told(140, 149) })).toThrow('never told event 150');
    expect(check({ told: told(141, 150) })).toThrow('event 141 instead of 140');
    expect(check({ told: [all[0]!, ...all] })).toThrow('event 140 instead of 141');
    expect(check({ told: [all[1]!, all[0]!] })).toThrow('event 141 instead of 140');
    expect(check({ told: [...all, { ...all[0]!, sequence: 151 }] })).toThrow('event 151 instead of none');
    expect(check({ told: [{ ...all[1]!, sequence: 140 }] })).toThrow('something else about event 140');
    expect(check({ told: [{ sequence: 140, data: Uint8Array.of(1) }] })).toThrow('no event');
  });

  it('notice a gap where there is none', () => {
    expect(check({ from: 1, told: told(1, 9), isOpen: false, truncatedAfter: 9 })).not.toThrow();
    expect(check({ isOpen: false, truncatedAfter: 150 })).toThrow('but they are held');
    expect(check({ told: told(140, 141), isOpen: false, truncatedAfter: 141 })).toThrow('but they are held');
  });
});

describe('sessions', () => {
  const rules = {
    sessionLeaseMs: 1_000,
    sessionUnusedMs: 5_000,
    sessionNumbersMax: 4,
    sessionReplyBytesMax: 1_000,
    clientReplyBytesMax: 1_000,
  };
  const client = clients[0] as ClientId;
  const first = sessionId(1_000_000 * 1_024);
  const bodies = new Map<Digest, Uint8Array>();

  interface Ordered {
    readonly time: number;
    readonly envelopes: readonly EnvelopeBody[];
    readonly ended?: readonly SessionId[];
    /** Numbers that were executed, in the first session. */
    readonly ran?: readonly number[];
    readonly resultBytes?: number;
  }

  function check(orders: readonly Ordered[]): void {
    const batches = orders.map((order, index): DeliveredBatch => {
      const { time, envelopes, ended = [], ran = [], resultBytes = 0 } = order;
      const sealed = envelopes.map(
        (body) => sealEnvelope(body, encodeEnvelopeBody(body), new Uint8Array(64)).bytes,
      );
      const bytes = encodeBatch({ time, envelopes: sealed });
      bodies.set(sha256(bytes), bytes);
      const executions = ran.map((number) => ({
        operation: {
          client,
          session: first,
          number,
          operation: Uint8Array.of(1),
          sequenceNumber: sequenceNumber(index + 1),
          time,
          isVerified: true,
          mayWait: true,
        },
        result: new Uint8Array(resultBytes),
        effects: [],
        ended: [],
      }));
      const number = sequenceNumber(index + 1);
      return { sequenceNumber: number, digest: sha256(bytes), time, ended, effects: [], executions };
    });
    checkSessions(batches, bodies, rules);
  }

  const open: EnvelopeBody = { kind: 'open', client, nonce: new Uint8Array(16) };
  const requests = (
    firstNumber: number,
    lowestUnanswered: number,
    ...operations: Uint8Array[]
  ): EnvelopeBody => ({
    kind: 'requests',
    client,
    session: first,
    firstNumber,
    lowestUnanswered,
    operations,
    finished: [],
  });
  const some = Uint8Array.of(1);
  const opened: Ordered = { time: 1_000_000, envelopes: [open] };
  const used: Ordered = { time: 1_000_500, envelopes: [requests(1, 1, some)], ran: [1] };

  it('end when nothing has renewed them for their lease, not before and not after', () => {
    const quiet = (time: number, ended: readonly SessionId[]): Ordered => ({ time, envelopes: [], ended });
    expect(() => check([opened, used, quiet(1_001_499, []), quiet(1_001_500, [first])])).not.toThrow();
    expect(() => check([opened, used, quiet(1_001_499, [first])])).toThrow('ended instead of');
    expect(() => check([opened, used, quiet(1_001_500, [])])).toThrow('ended instead of');
    expect(() => check([opened, quiet(1_004_999, []), quiet(1_005_000, [first])])).not.toThrow();
  });

  it('are renewed by keep-alives, and by nothing that is ordered again', () => {
    const alive: Ordered = { time: 1_001_000, envelopes: [requests(2, 2, new Uint8Array())] };
    const later = (ended: readonly SessionId[]): Ordered => ({ time: 1_001_500, envelopes: [], ended });
    expect(() => check([opened, used, alive, later([])])).not.toThrow();
    const again: Ordered = { time: 1_001_000, envelopes: [requests(1, 1, some)] };
    expect(() => check([opened, used, again, later([first])])).not.toThrow();
    expect(() => check([opened, used, { ...again, ran: [1] }])).toThrow('ran instead of');
  });

  it('have each number executed once, within the window, and none after their end', () => {
    const beyond: Ordered = { time: 1_000_600, envelopes: [requests(4, 1, some, some)], ran: [4] };
    expect(() => check([opened, used, beyond])).not.toThrow();
    expect(() => check([opened, used, { ...beyond, ran: [4, 5] }])).toThrow('ran instead of');
    const late: Ordered = { time: 1_001_500, envelopes: [requests(2, 2, some)], ended: [first] };
    expect(() => check([opened, used, late])).not.toThrow();
    expect(() => check([opened, used, { ...late, ran: [2] }])).toThrow('ran instead of');
  });

  it('have nothing executed while results that have not arrived take all the room there is', () => {
    const large: Ordered = { ...used, resultBytes: 1_000 };
    const next = (lowestUnanswered: number, ran: readonly number[]): Ordered => ({
      time: 1_000_600,
      envelopes: [requests(2, lowestUnanswered, some)],
      ran,
    });
    expect(() => check([opened, large, next(1, [])])).not.toThrow();
    expect(() => check([opened, large, next(1, [2])])).toThrow('ran instead of');
    expect(() => check([opened, large, next(2, [2])])).not.toThrow();
    expect(() => check([opened, large, next(2, [])])).toThrow('ran instead of');
    expect(() => check([opened, { ...large, resultBytes: 999 }, next(1, [2])])).not.toThrow();
  });

  it('notice a batch that nobody proposed', () => {
    const digest = 'cd'.repeat(32) as Digest;
    const batch = {
      sequenceNumber: sequenceNumber(1),
      digest,
      time: 1,
      ended: [],
      effects: [],
      executions: [],
    };
    expect(() => checkSessions([batch], bodies, rules)).toThrow('nobody proposed');
  });
});
