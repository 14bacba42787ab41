import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageQueue } from '../../../src/replica/transport/message-queue.js';

const bytes = (length: number, first = 0): Uint8Array => {
  const message = new Uint8Array(length);
  if (length > 0) message[0] = first;
  return message;
};
const all = (queue: MessageQueue): readonly Uint8Array[] => queue.take(Infinity, 0, Infinity);

describe('message queue (pitfall 7: bounded, the oldest go)', () => {
  it('drops the oldest beyond the number of messages', () => {
    const queue = new MessageQueue({ bytesMax: 1_000, countMax: 2 });
    const [a, b, c] = [bytes(1, 1), bytes(1, 2), bytes(1, 3)];
    expect([a, b, c].map((message) => queue.push(message))).toEqual([0, 0, 1]);
    expect(all(queue)).toEqual([b, c]);
  });

  it('drops as many as a larger one needs', () => {
    const queue = new MessageQueue({ bytesMax: 10, countMax: 100 });
    for (let i = 0; i < 5; i++) queue.push(bytes(2, i));
    expect(queue.push(bytes(5, 9))).toBe(3);
    expect(queue.bytes).toBe(9);
    expect(all(queue).map((message) => message[0])).toEqual([3, 4, 9]);
  });

  it('keeps a message that alone is larger than the bound: what to do with it is the sender’s', () => {
    const queue = new MessageQueue({ bytesMax: 10, countMax: 100 });
    queue.push(bytes(3));
    expect(queue.push(bytes(50))).toBe(1);
    expect(queue.count).toBe(1);
  });

  it('takes no more than fits, but at least one', () => {
    const queue = new MessageQueue({ bytesMax: 1_000, countMax: 100 });
    for (const length of [30, 30, 30, 200, 1]) queue.push(bytes(length));
    expect(queue.take(80, 8, 100).map(({ length }) => length)).toEqual([30, 30]);
    expect(queue.take(80, 8, 100).map(({ length }) => length)).toEqual([30]);
    expect(queue.take(80, 8, 100).map(({ length }) => length)).toEqual([200]);
    expect(queue.take(80, 8, 100).map(({ length }) => length)).toEqual([1]);
    expect(queue.take(80, 8, 100)).toEqual([]);
  });

  it('takes no more messages than allowed', () => {
    const queue = new MessageQueue({ bytesMax: 1_000, countMax: 100 });
    for (let i = 0; i < 7; i++) queue.push(bytes(1, i));
    expect([3, 3, 3].map((max) => queue.take(Infinity, 0, max).length)).toEqual([3, 3, 1]);
  });

  it('behaves like a plain list with the same bounds', () => {
    const command = fc.oneof(
      fc.record({ push: fc.integer({ min: 0, max: 40 }) }),
      fc.record({ take: fc.integer({ min: 1, max: 90 }) }),
    );
    fc.assert(
      fc.property(fc.array(command, { maxLength: 200 }), (commands) => {
        const limits = { bytesMax: 300, countMax: 20 };
        const queue = new MessageQueue(limits);
        const model: Uint8Array[] = [];
        const size = (): number => model.reduce((sum, { length }) => sum + length, 0);
        for (const one of commands) {
          if ('push' in one) {
            const message = bytes(one.push);
            let dropped = 0;
            while (
              model.length > 0 &&
              (model.length >= limits.countMax || size() + one.push > limits.bytesMax)
            ) {
              model.shift();
              dropped++;
            }
            model.push(message);
            expect(queue.push(message)).toBe(dropped);
          } else {
            const expected: Uint8Array[] = [];
            let room = one.take;
            while (model.length > 0 && (expected.length === 0 || model[0]!.length + 2 <= room)) {
              const next = model.shift()!;
              room -= next.length + 2;
              expected.push(next);
            }
            const taken = queue.take(one.take, 2, 1_000);
            expect(taken.length).toBe(expected.length);
            expect(taken.every((message, i) => message === expected[i])).toBe(true);
          }
          expect([queue.count, queue.bytes]).toEqual([model.length, size()]);
        }
      }),
    );
  });

  it('lets go of what it has dropped in a long life', () => {
    const queue = new MessageQueue({ bytesMax: 1_000_000, countMax: 3 });
    for (let i = 0; i < 10_000; i++) queue.push(bytes(1, i % 256));
    expect(all(queue).map((message) => message[0])).toEqual([9_997 % 256, 9_998 % 256, 9_999 % 256]);
  });
});
