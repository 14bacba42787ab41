import { describe, expect, it } from 'vitest';
import { digest, sequenceNumber, viewNumber, replicaId } from '../../src/base/index.js';
import { BoundedMemory } from '../../src/sim/checkers/bounded-memory.js';
import { CommittedOrder } from '../../src/sim/checkers/committed-order.js';
import type { CommittedStep, DeliveredBatch, Execution } from '../../src/sim/checkers/committed-order.js';
import { ExactlyOnce } from '../../src/sim/checkers/exactly-once.js';
import { checkFastReads } from '../../src/sim/checkers/fast-reads.js';
import { OrderedTime } from '../../src/sim/checkers/ordered-time.js';
import { checkRealTime } from '../../src/sim/checkers/real-time.js';
import { checkAnswers, checkReplay, positionsOf, stepQuietly } from '../../src/sim/checkers/replay.js';
import { StateDigests } from '../../src/sim/checkers/state-digests.js';
import type { HistoryEntry } from '../../src/sim/history.js';
import { batches, client, count, entry, executed, freshService, out, session, steps } from './histories.js';

const executions = executed([out('a'), out('b'), count]);
const committed = steps(executions);
const positions = positionsOf(committed);
const resultAt = (index: number): Uint8Array => executions[index]!.result!;

describe('agreement', () => {
  const [first, second] = batches(executions) as [DeliveredBatch, DeliveredBatch];

  it('accepts the same batch from everyone', () => {
    const order = new CommittedOrder();
    expect(order.deliver(0, first)).toBe(true);
    expect(order.deliver(1, first)).toBe(false);
    expect(order.deliver(1, second)).toBe(true);
    expect(order.batches()).toEqual([first, second]);
    expect(order.highest).toBe(2);
  });

  const others: [string, DeliveredBatch, string][] = [
    ['digest', { ...first, digest: digest('00'.repeat(32)) }, 'delivered 00000000'],
    ['time', { ...first, time: first.time + 1 }, 'has time'],
    ['number of executions', { ...first, executions: [] }, 'executed 0 operations, others 1'],
    ['operation', { ...first, executions: [withNumber(first.executions[0]!, 9)] }, 'another operation'],
    [
      'result',
      { ...first, executions: [{ ...first.executions[0]!, result: Uint8Array.of(9) }] },
      'another result',
    ],
  ];
  for (const [what, other, message] of others) {
    it(`notices another ${what}`, () => {
      const order = new CommittedOrder();
      order.deliver(0, first);
      expect(() => order.deliver(1, other)).toThrow(message);
    });
  }

  it('notices a number that nobody delivered', () => {
    const order = new CommittedOrder();
    order.deliver(0, second);
    expect(() => order.batches()).toThrow('nobody delivered 1');
  });
});

const withNumber = (execution: Execution, number: number): Execution => ({
  ...execution,
  operation: { ...execution.operation, number },
});

describe('exactly once', () => {
  const [first, second] = batches(executions) as [DeliveredBatch, DeliveredBatch];
  const { operation } = first.executions[0]!;

  function checker(): ExactlyOnce {
    const once = new ExactlyOnce();
    once.addCorrectClient(client);
    for (const { operation: own } of executions) once.submit(client, session, own.number, own.operation);
    return once;
  }

  it('accepts each request once', () => {
    const once = checker();
    once.deliver(first);
    expect(() => once.deliver(second)).not.toThrow();
  });

  it('notices a second execution', () => {
    const once = checker();
    once.deliver(first);
    expect(() => once.deliver({ ...first, sequenceNumber: sequenceNumber(2) })).toThrow('at 1 and at 2');
  });

  it('notices what the client never sent', () => {
    const forged = { operation: { ...operation, number: 4 }, result: resultAt(0), effects: [], ended: [] };
    expect(() => checker().deliver({ ...first, executions: [forged] })).toThrow('not submitted');
    const altered = {
      operation: { ...operation, operation: Uint8Array.of(1) },
      result: resultAt(0),
      effects: [],
      ended: [],
    };
    expect(() => checker().deliver({ ...first, executions: [altered] })).toThrow('not submitted');
  });

  it('notices a client that changes its request', () => {
    expect(() => checker().submit(client, session, 1, Uint8Array.of(1))).toThrow('changed the bytes');
  });
});

describe('replay', () => {
  it('accepts the results of a fresh service', () => {
    expect(() => checkReplay(committed, freshService())).not.toThrow();
  });

  it('notices a result that the order does not explain', () => {
    const swapped = [executions[1]!, executions[0]!, executions[2]!];
    expect(() => checkReplay(steps(swapped), freshService())).toThrow('another result');
  });

  it('holds answers against their position', () => {
    const good = entry({ number: 3, operation: count, from: 0, to: 9, result: { kind: 'count', count: 2 } });
    const bad = entry({ number: 3, operation: count, from: 0, to: 9, result: { kind: 'count', count: 1 } });
    const never = entry({ number: 8, operation: count, from: 0, to: 9, result: resultAt(2) });
    const lied = entry({ number: 1, operation: out('a'), from: 0, to: 9, result: 'unavailable' });
    const unknown = entry({ number: 1, operation: out('a'), from: 0, to: 9, result: 'unknown' });
    expect(() => checkAnswers([good, unknown], positions)).not.toThrow();
    expect(() => checkAnswers([bad], positions)).toThrow('another result');
    expect(() => checkAnswers([never], positions)).toThrow('never executed');
    expect(() => checkAnswers([lied], positions)).toThrow('certainly not executed');
  });

  it('notices a call that was executed under two numbers', () => {
    const twice = entry({ number: 1, operation: out('a'), from: 0, to: 9, result: resultAt(0) });
    twice.requests.push({ session, number: 2 });
    expect(() => checkAnswers([twice], positions)).toThrow('executed twice');
  });
});

describe('real time', () => {
  const at = (number: number, from: number, to: number | null): HistoryEntry =>
    entry({
      number,
      operation: out('a'),
      from,
      to,
      result: to === null ? 'unknown' : resultAt(number - 1),
    });

  it('accepts any order of what overlaps', () => {
    expect(() => checkRealTime([at(2, 0, 10), at(1, 10, 20)], positions)).not.toThrow();
    expect(() => checkRealTime([at(1, 0, 10), at(2, 11, 20), at(3, 21, 22)], positions)).not.toThrow();
  });

  it('notices an operation ordered before one that was answered when it began', () => {
    expect(() => checkRealTime([at(2, 0, 10), at(1, 11, 20)], positions)).toThrow('answered before it began');
  });

  it('counts executed operations without an answer as begun, not as ended', () => {
    expect(() => checkRealTime([at(2, 0, null), at(1, 11, 20)], positions)).not.toThrow();
    expect(() => checkRealTime([at(2, 0, 10), at(1, 11, null)], positions)).toThrow(
      'answered before it began',
    );
  });
});

describe('fast reads', () => {
  const write = (number: number, from: number, to: number): HistoryEntry =>
    entry({ number, operation: out('a'), from, to, result: resultAt(number - 1) });
  const read = (counted: number, from: number, to: number): HistoryEntry =>
    entry({ number: null, operation: count, from, to, result: { kind: 'count', count: counted } });

  function check(history: HistoryEntry[]): void {
    const service = freshService();
    const query = (asked: HistoryEntry): Uint8Array | null => service.query(client, asked.bytes, 0);
    const take = (step: CommittedStep, position: number): void => void stepQuietly(service, step, position);
    checkFastReads(history, committed, positions, { take, query });
  }
  const writes = [write(1, 0, 10), write(2, 20, 30)];

  it('accepts a read anywhere between its invocation and its answer', () => {
    expect(() =>
      check([...writes, read(0, 0, 5), read(1, 0, 15), read(1, 12, 25), read(2, 21, 25)]),
    ).not.toThrow();
  });

  it('notices a stale read', () => {
    expect(() => check([...writes, read(0, 11, 15)])).toThrow('fits nowhere');
    expect(() => check([...writes, read(1, 31, 35)])).toThrow('fits nowhere');
  });

  it('notices a read from the future', () => {
    expect(() => check([...writes, read(2, 11, 15)])).toThrow('fits nowhere');
    expect(() => check([...writes, read(7, 11, 15)])).toThrow('fits nowhere');
  });

  it('notices a read that goes behind an earlier one', () => {
    expect(() => check([...writes, read(2, 21, 22), read(1, 23, 24)])).toThrow('fits nowhere');
    expect(() => check([...writes, read(2, 21, 24), read(1, 22, 23)])).not.toThrow();
  });
});

describe('state digests', () => {
  it('notices two states after the same number', () => {
    const digests = new StateDigests();
    digests.observe(0, sequenceNumber(8), digest('aa'));
    digests.observe(1, sequenceNumber(8), digest('aa'));
    digests.observe(1, sequenceNumber(16), digest('bb'));
    expect(() => digests.observe(2, sequenceNumber(8), digest('ab'))).toThrow('replicas 0 and 2 differ');
  });
});

describe('ordered time', () => {
  it('notices time or numbers that run back, and time ahead of every clock', () => {
    const time = new OrderedTime(500);
    time.deliver(0, sequenceNumber(1), 1_000, 900);
    time.deliver(0, sequenceNumber(2), 1_000, 900);
    expect(() => time.deliver(0, sequenceNumber(3), 999, 900)).toThrow('ran back by 1 ms');
    expect(() => time.deliver(0, sequenceNumber(2), 1_001, 900)).toThrow('delivered 2 after 2');
    expect(() => time.deliver(1, sequenceNumber(1), 1_401, 900)).toThrow('ahead');
    time.restart(0);
    expect(() => time.deliver(0, sequenceNumber(1), 1_000, 900)).not.toThrow();
  });
});

describe('bounded memory', () => {
  const status = (sizes: Record<string, number>): Parameters<BoundedMemory['observe']>[1] => ({
    view: viewNumber(0),
    primary: replicaId(0),
    isActive: true,
    isObserver: false,
    executed: sequenceNumber(0),
    stableCheckpoint: sequenceNumber(0),
    orderedTime: 0,
    pending: 0,
    sizes,
  });

  it('notices what grows beyond its limit, and what has none', () => {
    const memory = new BoundedMemory({ slots: 8 });
    memory.observe(0, status({ slots: 8 }));
    expect(memory.highest().get('slots')).toBe(8);
    expect(() => memory.observe(0, status({ slots: 9 }))).toThrow('slots is 9, at most 8');
    expect(() => memory.observe(0, status({ other: 0 }))).toThrow('other has no limit');
  });
});
