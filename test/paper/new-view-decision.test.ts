/** The choice of a NEW-VIEW from VIEW-CHANGEs (TOCS'02 section 4.5, conditions A1, A2 and B), by hand. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ViewChange } from '../../src/codec/index.js';
import { decideNewView, faultsTolerated, quorumSize } from '../../src/ordering/index.js';
import { certificate, chosen, digestOf, entry, nullDigest, viewChange } from '../support/messages.js';

const [d, e] = [digestOf('d'), digestOf('e')];
const decide = (n: number, ...viewChanges: ViewChange[]) =>
  decideNewView(n, nullDigest, viewChanges)?.chosen ?? null;

/** A replica that prepared this in view `view`; what is prepared was accepted before. */
const preparedAt = (replica: number, number: number, view: number, of = d) =>
  viewChange(replica, 9, { prepared: [entry(number, view, of)], prePrepared: [entry(number, view, of)] });
const acceptedAt = (replica: number, number: number, view: number, of = d) =>
  viewChange(replica, 9, { prePrepared: [entry(number, view, of)] });
/** A claim in P that this replica's own Q does not support. */
const claims = (replica: number, number: number, view: number, of = e) =>
  viewChange(replica, 9, { prepared: [entry(number, view, of)] });
const idle = (replica: number) => viewChange(replica, 9);

describe('with n = 4 the choice', () => {
  test("TOCS'02 §4.5: needs a quorum of VIEW-CHANGEs", () => {
    expect(decide(4, idle(0), idle(1))).toBeNull();
    expect(decide(4, idle(0), idle(1), idle(2))).toEqual([]);
  });

  test("TOCS'02 §4.5, A1 and A2: is what was prepared, if nothing disputes it and f + 1 accepted it", () => {
    expect(decide(4, preparedAt(0, 1, 3), acceptedAt(1, 1, 3), idle(2))).toEqual([chosen(1, d)]);
  });

  test("TOCS'02 §4.5, A1: waits while a quorum is not clear of something prepared later", () => {
    const three = [preparedAt(0, 1, 3), acceptedAt(1, 1, 3), claims(2, 1, 5)];
    expect(decide(4, ...three)).toBeNull();
    expect(decide(4, ...three, acceptedAt(3, 1, 3))).toEqual([chosen(1, d)]);
  });

  test("TOCS'02 §4.5, A1: waits while a quorum is not clear of something else in the same view", () => {
    const three = [preparedAt(0, 1, 3), acceptedAt(1, 1, 3), claims(2, 1, 3)];
    expect(decide(4, ...three)).toBeNull();
    expect(decide(4, ...three, idle(3))).toEqual([chosen(1, d)]);
  });

  test("TOCS'02 §4.5, A1: what was prepared in an earlier view does not dispute", () => {
    expect(decide(4, preparedAt(0, 1, 3), acceptedAt(1, 1, 3), preparedAt(2, 1, 2, e))).toEqual([
      chosen(1, d),
    ]);
  });

  test("TOCS'02 §4.5, A2: waits while fewer than f + 1 accepted it", () => {
    const three = [preparedAt(0, 1, 3), idle(1), idle(2)];
    expect(decide(4, ...three)).toBeNull();
    expect(decide(4, ...three, acceptedAt(3, 1, 3))).toEqual([chosen(1, d)]);
  });

  test("TOCS'02 §4.5, A2: having accepted it in an earlier view is no support, in a later one it is", () => {
    expect(decide(4, preparedAt(0, 1, 3), acceptedAt(1, 1, 2), idle(2))).toBeNull();
    expect(decide(4, preparedAt(0, 1, 3), acceptedAt(1, 1, 7), idle(2))).toEqual([chosen(1, d)]);
  });

  test("TOCS'02 §4.5, A2: having accepted something else is no support", () => {
    expect(decide(4, preparedAt(0, 1, 3), acceptedAt(1, 1, 3, e), idle(2))).toBeNull();
  });

  test("TOCS'02 §4.5, B: is the null batch where a quorum prepared nothing", () => {
    expect(decide(4, acceptedAt(0, 1, 3), preparedAt(1, 2, 3), acceptedAt(2, 2, 3))).toEqual([
      chosen(1, nullDigest),
      chosen(2, d),
    ]);
  });

  test("TOCS'02 §4.5, B: a quorum without it beats a claim that nobody supports", () => {
    expect(decide(4, idle(0), idle(1), claims(2, 1, 3))).toBeNull();
    expect(decide(4, idle(0), idle(1), claims(2, 1, 3), idle(3))).toEqual([chosen(1, nullDigest)]);
  });

  test("TOCS'02 §4.5: with exactly a quorum A and B may both fail; the set grows until one holds", () => {
    // Replica 2 lies. What 0 prepared is disputed, the lie is not supported, and too few prepared nothing.
    const three = [preparedAt(0, 1, 3), idle(1), claims(2, 1, 4)];
    expect(decide(4, ...three)).toBeNull();
    expect(decide(4, ...three, acceptedAt(3, 1, 3))).toEqual([chosen(1, d)]);
    const others = [idle(0), claims(1, 1, 3, d), idle(2)];
    expect(decide(4, ...others)).toBeNull();
    expect(decide(4, ...others, idle(3))).toEqual([chosen(1, nullDigest)]);
  });

  test("TOCS'02 §4.5: prefers what was prepared in the highest view", () => {
    const viewChanges = [
      preparedAt(0, 1, 3),
      preparedAt(1, 1, 5, e),
      acceptedAt(2, 1, 5, e),
      acceptedAt(3, 1, 3),
    ];
    expect(decide(4, ...viewChanges)).toEqual([chosen(1, e)]);
  });

  test("TOCS'02 §4.5: covers every number up to the highest prepared one, gaps with null batches", () => {
    expect(decide(4, preparedAt(0, 3, 3), acceptedAt(1, 3, 3), idle(2))).toEqual([
      chosen(1, nullDigest),
      chosen(2, nullDigest),
      chosen(3, d),
    ]);
  });

  test("TOCS'02 §4.5: what was accepted and not prepared does not extend it", () => {
    expect(decide(4, acceptedAt(0, 7, 3), idle(1), idle(2))).toEqual([]);
  });
});

describe('the start', () => {
  const at = (replica: number, number: number, entries = [entry(5, 3, d), entry(9, 3, d)]) =>
    viewChange(replica, 9, {
      checkpoint: certificate(number, digestOf(`state ${number}`), [0, 1, 2]),
      prepared: entries,
      prePrepared: entries,
    });

  test('DESIGN §2: is the highest certified checkpoint among the VIEW-CHANGEs', () => {
    const decision = decideNewView(4, nullDigest, [at(0, 0), at(1, 8, [entry(9, 3, d)]), at(2, 4)]);
    expect(decision?.start).toEqual(certificate(8, digestOf('state 8'), [0, 1, 2]));
    expect(decision?.chosen).toEqual([chosen(9, d)]);
  });

  test('DESIGN §2: entries at or below the start are ignored', () => {
    const low = [entry(5, 3, d)];
    const decision = decideNewView(4, nullDigest, [at(0, 0, low), at(1, 8, []), at(2, 0, low)]);
    expect(decision?.chosen).toEqual([]);
  });
});

describe('with n = 7', () => {
  test("TOCS'02 §4.5: A1 and B need 5 of S, A2 needs 3", () => {
    const support = [preparedAt(0, 1, 3), acceptedAt(1, 1, 3), idle(3), idle(4)];
    expect(decide(7, ...support, idle(2))).toBeNull();
    expect(decide(7, ...support, acceptedAt(2, 1, 3))).toEqual([chosen(1, d)]);
    expect(decide(7, ...support, claims(2, 1, 3), claims(5, 1, 4))).toBeNull();
    expect(decide(7, idle(0), idle(1), idle(2), idle(3), claims(4, 1, 3), claims(5, 1, 4))).toBeNull();
    expect(decide(7, idle(0), idle(1), idle(2), idle(3), claims(4, 1, 3), idle(5))).toEqual([
      chosen(1, nullDigest),
    ]);
  });
});

describe('for any VIEW-CHANGEs of at most f liars', () => {
  const digests = [d, e, digestOf('g'), nullDigest];
  const anyDigest = fc.constantFrom(...digests);
  const anyView = fc.integer({ min: 0, max: 8 });
  /** Claims of a liar at number 1, at will. */
  const lie = fc.record({
    p: fc.option(fc.tuple(anyView, anyDigest)),
    q: fc.uniqueArray(fc.tuple(anyView, anyDigest), { maxLength: 4, selector: ([, digest]) => digest }),
  });
  const cluster = fc.constantFrom(4, 5, 6, 7, 10).chain((n) =>
    fc.record({
      n: fc.constant(n),
      order: fc.shuffledSubarray([...Array(n).keys()], { minLength: n, maxLength: n }),
      lies: fc.array(lie, { minLength: faultsTolerated(n), maxLength: faultsTolerated(n) }),
      liarsVoted: fc.integer({ min: 0, max: faultsTolerated(n) }),
      missing: fc.integer({ min: 0, max: n - quorumSize(n) }),
      dropOrder: fc.shuffledSubarray([...Array(n).keys()], { minLength: n, maxLength: n }),
      older: fc.array(fc.option(fc.tuple(fc.integer({ min: 0, max: 3 }), anyDigest)), {
        minLength: n,
        maxLength: n,
      }),
    }),
  );
  const liar = (replica: number, { p, q }: { p: [number, typeof d] | null; q: [number, typeof d][] }) =>
    viewChange(replica, 9, {
      prepared: p === null ? [] : [entry(1, p[0], p[1])],
      prePrepared: q.map(([view, digest]) => entry(1, view, digest)),
    });

  test("TOCS'02 §4.5: what was committed is chosen or nothing is, whichever VIEW-CHANGEs arrive", () => {
    const property = fc.property(cluster, ({ n, order, lies, liarsVoted, missing, dropOrder, older }) => {
      // d was committed in view 4 by a quorum, with the help of `liarsVoted` of the liars.
      const correct = order.slice(lies.length);
      const committers = new Set(correct.slice(0, quorumSize(n) - liarsVoted));
      const viewChanges = order.map((replica, index) => {
        if (index < lies.length) return liar(replica, lies[index]!);
        if (committers.has(replica)) return preparedAt(replica, 1, 4);
        const past = older[index] ?? null;
        return past === null ? idle(replica) : acceptedAt(replica, 1, past[0], past[1]);
      });
      const absent = new Set(dropOrder.slice(0, missing));
      const choice = decide(n, ...viewChanges.filter(({ replica }) => !absent.has(replica)));
      expect([null, d]).toContain(choice === null ? null : choice[0]?.digest);
    });
    fc.assert(property, { numRuns: 400 });
  });

  test("TOCS'02 §4.5: the VIEW-CHANGEs of all correct replicas always decide", () => {
    const property = fc.property(
      cluster,
      fc.boolean(),
      ({ n, order, lies, liarsVoted, older }, isPrepared) => {
        // d was perhaps prepared in view 4 at one correct replica: enough correct ones have accepted it there.
        const correct = order.slice(lies.length);
        const accepters = new Set(correct.slice(0, quorumSize(n) - liarsVoted));
        const viewChanges = order.map((replica, index) => {
          if (index < lies.length) return liar(replica, lies[index]!);
          if (isPrepared && replica === correct[0]) return preparedAt(replica, 1, 4);
          if (isPrepared && accepters.has(replica)) return acceptedAt(replica, 1, 4);
          const past = older[index] ?? null;
          return past === null ? idle(replica) : acceptedAt(replica, 1, past[0], past[1]);
        });
        expect(decide(n, ...viewChanges)).not.toBeNull();
      },
    );
    fc.assert(property, { numRuns: 400 });
  });

  test("TOCS'02 §4.5: every backup finds the same choice, in whatever order it looks", () => {
    const property = fc.property(cluster, ({ n, order, lies, liarsVoted, older }) => {
      const viewChanges = order.map((replica, index) => {
        if (index < lies.length) return liar(replica, lies[index]!);
        const past = index % 2 === liarsVoted % 2 ? (older[index] ?? null) : null;
        return past === null ? preparedAt(replica, 1, 4) : acceptedAt(replica, 1, past[0], past[1]);
      });
      expect(decide(n, ...[...viewChanges].reverse())).toEqual(decide(n, ...viewChanges));
    });
    fc.assert(property, { numRuns: 200 });
  });
});
