/** Replies that a client most likely does without: kept back, and told after all once they are missed. */
import { beforeEach, describe, expect, it } from 'vitest';
import { clientId, replicaId, sessionId } from '../../../src/base/index.js';
import type { Outcome } from '../../../src/codec/index.js';
import { SpareReplies } from '../../../src/replica/spare-replies.js';

const client = clientId('a'.repeat(64));
const done: Outcome = { kind: 'result', result: Uint8Array.of(1) };
const cycleMs = 30;
/** Of replica 2 among four: session 1 has its answers from 3 and 0, session 2 from 2 and 3. */
const spareSession = 1;
const ownSession = 2;

let nowMs: number;
let told: string[];
let replies: SpareReplies;

interface Told {
  readonly session?: number;
  readonly outcomes?: readonly Outcome[];
  /** Null: a repetition or a late outcome. */
  readonly lowestUnanswered?: number | null;
  readonly from?: typeof client;
  readonly isOwn?: boolean;
}

function reply(
  firstNumber: number,
  {
    session = spareSession,
    outcomes = [done],
    lowestUnanswered = firstNumber,
    from = client,
    isOwn = false,
  }: Told = {},
) {
  const fresh = lowestUnanswered === null ? {} : { lowestUnanswered };
  const where = { client: from, session: sessionId(session), firstNumber };
  const output = { kind: 'reply', ...where, outcomes, ...fresh } as const;
  replies.reply(output, () => told.push(`${session}:${firstNumber}`), isOwn);
}

function endTurnAfter(ms: number): void {
  nowMs += ms;
  replies.endTurn();
}

/** Two replies show how long the client takes. */
function getToKnow(session = spareSession): void {
  for (const number of [1, 2]) {
    reply(number, { session });
    endTurnAfter(cycleMs);
  }
  told = [];
}

const create = (toldPerTurn: number): SpareReplies =>
  new SpareReplies({ replica: replicaId(2), n: 4, weakQuorumSize: 2, toldPerTurn, nowMs: () => nowMs });

beforeEach(() => {
  nowMs = 1_000;
  told = [];
  replies = create(0);
});

describe('a spare reply', () => {
  it('is kept back, and forgotten once the client says that it has it', () => {
    getToKnow();
    for (let number = 3; number <= 10; number++) {
      reply(number);
      endTurnAfter(cycleMs);
    }
    expect(told).toEqual([]);
    expect(replies.count).toBe(1);
  });

  it('is told after all when the client takes twice as long as usual', () => {
    getToKnow();
    reply(3);
    endTurnAfter(2 * cycleMs - 1);
    expect(told).toEqual([]);
    endTurnAfter(5);
    expect(told).toEqual(['1:3']);
    expect(replies.count).toBe(0);
  });

  it('that was missed makes the next ones leave at once', () => {
    getToKnow();
    reply(3);
    endTurnAfter(3 * cycleMs);
    told = [];
    for (let number = 4; number < 36; number++) {
      reply(number);
      endTurnAfter(cycleMs);
    }
    expect(told).toHaveLength(32);
    reply(36);
    expect(told).toHaveLength(32);
  });

  it('is told with the next one if the client does not say that it has it', () => {
    getToKnow();
    reply(3);
    reply(4, { lowestUnanswered: 3 });
    expect(told).toEqual(['1:3', '1:4']);
  });

  it('that is missed again and again lets twice as many leave at once each time, until one is not missed', () => {
    getToKnow();
    let number = 3;
    reply(number);
    /** What is kept is missed; then as many leave at once, and the next is kept. */
    const eagerAfterMiss = (): number => {
      endTurnAfter(3 * cycleMs);
      for (let count = 0; ; count++) {
        told = [];
        reply(++number);
        if (told.length === 0) return count;
        endTurnAfter(cycleMs);
      }
    };
    expect([eagerAfterMiss(), eagerAfterMiss(), eagerAfterMiss()]).toEqual([32, 64, 128]);
    reply(++number);
    expect(eagerAfterMiss()).toBe(32);
  });

  it('is told once the client asks again', () => {
    getToKnow();
    reply(3);
    reply(3, { lowestUnanswered: null });
    expect(told).toEqual(['1:3', '1:3']);
  });

  it('was missed if that is long after, and not if all replicas were sent the request at first', () => {
    for (const [ms, expected] of [
      [30, []],
      [101, ['1:4']],
    ] as const) {
      replies = create(0);
      getToKnow();
      for (let number = -40; number < 3; number++) {
        reply(number);
        endTurnAfter(90);
      }
      told = [];
      reply(3);
      nowMs += ms;
      reply(3, { lowestUnanswered: null });
      expect(told).toEqual(['1:3', '1:3']);
      nowMs += 90 - Math.min(ms, 90);
      told = [];
      reply(4);
      expect(told).toEqual(expected);
    }
  });

  it('is told before the client would ask again, however long its envelopes take', () => {
    for (const each of [20, 40, 60, 80, 100]) {
      replies = create(0);
      for (let number = 1; number <= 40; number++) {
        reply(number);
        endTurnAfter(each);
      }
      told = [];
      reply(41);
      endTurnAfter(250 - each);
      expect(told).toEqual(['1:41']);
    }
  });

  it('is not told for what others ask', () => {
    getToKnow();
    reply(3);
    reply(3, { lowestUnanswered: null, from: clientId('b'.repeat(64)) });
    expect(replies.count).toBe(1);
  });

  it('is told when streams are about to end', () => {
    getToKnow();
    reply(3);
    replies.releaseAll();
    expect(told).toEqual(['1:3']);
    expect(replies.count).toBe(0);
  });

  it('is none with shares of this replica, which show that the one before has arrived as others do', () => {
    getToKnow();
    reply(3);
    reply(4, { isOwn: true });
    expect(told).toEqual(['1:4']);
    expect(replies.count).toBe(0);
  });

  it('is none that says that an operation waits, or is large', () => {
    getToKnow();
    reply(3, { outcomes: [{ kind: 'waiting' }] });
    reply(4, { outcomes: [{ kind: 'result', result: new Uint8Array(4_097) }] });
    expect(told).toEqual(['1:3', '1:4']);
  });
});

describe('told at once', () => {
  it('are the first ones of a session, and those after a pause', () => {
    reply(1);
    expect(told).toEqual(['1:1']);
    getToKnow();
    endTurnAfter(1_000);
    reply(3);
    expect(told).toEqual(['1:3']);
  });

  it('are those of sessions that this replica is to answer', () => {
    getToKnow(ownSession);
    reply(3, { session: ownSession });
    expect(told).toEqual(['2:3']);
  });

  it('are the first ones of a turn, each turn anew', () => {
    replies = create(2);
    const sessions = [spareSession, spareSession + 4, spareSession + 8];
    for (const number of [1, 2]) {
      for (const session of sessions) reply(number, { session });
      endTurnAfter(cycleMs);
    }
    told = [];
    for (const session of sessions) reply(3, { session });
    expect(told).toEqual(['1:3', '5:3']);
    endTurnAfter(cycleMs);
    for (const session of sessions.toReversed()) reply(4, { session });
    expect(told).toEqual(['1:3', '5:3', '9:4', '5:4']);
  });
});

it('each session has its answers from f+1 of the replicas at once, and from the others by turns', () => {
  for (const session of [1, 2, 3, 4, 5, 6, 7, 8]) {
    const eager = [0, 1, 2, 3].filter((replica) => {
      replies = new SpareReplies({
        ...{ replica: replicaId(replica), n: 4, weakQuorumSize: 2, toldPerTurn: 0 },
        nowMs: () => nowMs,
      });
      getToKnow(session);
      reply(3, { session });
      return told.length > 0;
    });
    expect(eager).toHaveLength(2);
  }
});

it('what is kept of many sessions is bounded, and told when there is no more room', () => {
  for (let index = 0; index < 8_192; index++) getToKnow(4 * index + spareSession);
  nowMs = 1_000_000;
  replies = create(0);
  for (const number of [1, 2, 3]) {
    for (let index = 0; index <= 8_192; index++) reply(number, { session: 4 * index + spareSession });
    if (number < 3) nowMs += cycleMs;
  }
  expect(replies.count).toBeLessThanOrEqual(8_192);
});
