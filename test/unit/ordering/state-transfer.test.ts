/** State transfer page by page: what is fetched, from whom, and what donors that lie, stall or forget can do. */
import { describe, expect, test } from 'vitest';
import { equalBytes } from '../../../src/base/index.js';
import type { PeerMessage, StateLevel, StateNodePart } from '../../../src/codec/index.js';
import { somePages, TransferRig } from '../../support/transfer.js';

const firstOf = (values: readonly number[]): number[] => [...new Set(values)];

function expectSame(rig: TransferRig, donor = 0): void {
  expect(rig.isDone).toBe(true);
  expect(rig.receiver.status.executed).toBe(rig.donor(donor).status.executed);
  expect(rig.receiver.stateDigest()).toBe(rig.donor(donor).stateDigest());
  expect(rig.pages(1)).toEqual(rig.pages(donor));
}

/** Changes parts of a level in what one donor sends. */
function lying(
  rig: TransferRig,
  liar: number,
  level: StateLevel,
  lie: (part: StateNodePart) => Partial<StateNodePart>,
): void {
  rig.filter = ({ from, message }) => {
    if (from !== liar || message.kind !== 'stateNodes') return message;
    const parts = message.parts.map((part) => (part.level === level ? { ...part, ...lie(part) } : part));
    return { ...message, parts };
  };
}

const flipped = (part: StateNodePart) => ({ data: part.data.map((byte) => byte ^ 1) });

describe('what is fetched', () => {
  test('is what differs from the pages held, and the lists above it', () => {
    const rig = new TransferRig();
    rig.load(somePages(1_000), [0, 1, 2, 3]);
    rig.load([
      [7, new Uint8Array(3)],
      [900, null],
      [5_000, new Uint8Array(9)],
    ]);
    rig.load([[6_000, new Uint8Array(1)]], [1]);
    rig.aim(rig.advance());
    rig.run(1_000);
    expectSame(rig);
    expect(rig.pagesReceived().sort((a, b) => a - b)).toEqual([7, 5_000]);
    const lists = rig.received
      .flatMap(({ message }) => message.parts)
      .filter(({ level }) => level === 'pages');
    // Of the application the first, the last and the new group.
    expect(lists.filter(({ section }) => section === 1)).toHaveLength(3);
    const [transferred] = rig.events('state-transferred');
    // Beside the two pages the header of the ordering layer's own state.
    expect(transferred).toMatchObject({ sequenceNumber: 4, pagesFetched: 3, pagesReused: 999 });
    expect(rig.receiver.evidence()).toEqual([]);
  });

  test('comes from all donors at once', () => {
    const rig = new TransferRig();
    rig.load(somePages(3_000));
    rig.aim(rig.advance());
    rig.run(1_000);
    expectSame(rig);
    for (const id of [0, 2, 3]) expect(rig.pagesReceived(id).length).toBeGreaterThan(500);
    expect(firstOf(rig.pagesReceived())).toHaveLength(rig.pagesReceived().length);
    expect(rig.events('state-transferred')).toMatchObject([{ donors: 3, pagesFetched: 3_001 }]);
  });

  test('is cut where it is large', () => {
    const rig = new TransferRig({ stateChunkBytes: 1_000 });
    const large = Uint8Array.from({ length: 4_321 }, (_, index) => index % 251);
    rig.load([...somePages(300), [1_000, large], [1_001, new Uint8Array(0)]]);
    rig.aim(rig.advance());
    rig.run(2_000);
    expectSame(rig);
    for (const { message } of rig.received) {
      const bytes = message.parts.reduce((sum, { data }) => sum + data.length, 0);
      expect(bytes).toBeLessThanOrEqual(1_000);
    }
  });

  test('is taken although the donor answers late', () => {
    const rig = new TransferRig();
    rig.load(somePages(20));
    rig.aim(rig.advance());
    const late: { readonly at: number; readonly from: number; readonly message: PeerMessage }[] = [];
    rig.filter = ({ from, message }) => {
      if (from === 1) return message;
      late.push({ at: rig.receiver.nowMs + 800, from, message });
      return null;
    };
    for (let passed = 0; passed < 20_000 && !rig.isDone; passed += 10) {
      rig.run(10);
      while (late.length > 0 && late[0]!.at <= rig.receiver.nowMs) {
        const { from, message } = late.shift()!;
        rig.deliver(from, message);
      }
    }
    expectSame(rig);
  });
});

describe('a donor that lies is found out, reported once and asked no more', () => {
  const lies: readonly (readonly [
    string,
    StateLevel,
    string,
    (part: StateNodePart) => Partial<StateNodePart>,
  ])[] = [
    ['about the roots', 'roots', 'WRONG_STATE', flipped],
    ['about the groups', 'groups', 'WRONG_STATE', flipped],
    ['about the pages of a group', 'pages', 'WRONG_STATE', flipped],
    ['about a page', 'page', 'WRONG_STATE', flipped],
    ['by a list of nothing', 'groups', 'WRONG_STATE', () => ({ data: new Uint8Array(0), totalBytes: 0 })],
    ['by a list of absurd length', 'groups', 'MALFORMED_STATE_NODES', () => ({ totalBytes: 2 ** 50 })],
    ['by a group of more than 256 pages', 'pages', 'MALFORMED_STATE_NODES', () => ({ totalBytes: 257 * 40 })],
    ['by a page of absurd size', 'page', 'MALFORMED_STATE_NODES', () => ({ totalBytes: 65 << 20 })],
    [
      'by drops where a chunk fits',
      'page',
      'MALFORMED_STATE_NODES',
      ({ data }) => ({ data: data.subarray(0, 1) }),
    ],
  ];

  test.each(lies)('%s', (_, level, code, lie) => {
    const rig = new TransferRig();
    rig.load(somePages(1_000));
    rig.aim(rig.advance());
    // The first one that is asked for anything.
    lying(rig, 0, level, lie);
    let askedAfter = 0;
    const { filter } = rig;
    rig.filter = (inFlight) => {
      if (inFlight.to === 0 && rig.receiver.evidence().length > 0) askedAfter += 1;
      return filter(inFlight);
    };
    rig.run(2_000);
    expectSame(rig);
    expect(rig.receiver.of('evidence')).toEqual([{ kind: 'evidence', from: 0, code }]);
    expect(askedAfter).toBeLessThanOrEqual(1);
  });

  test('also where he cuts pages that are small', () => {
    const rig = new TransferRig({ stateChunkBytes: 100 });
    rig.load(somePages(50, 350));
    rig.aim(rig.advance());
    // Each part fits, only the last byte of the page is another.
    lying(rig, 3, 'page', (part) =>
      part.offset + part.data.length === part.totalBytes ? flipped(part) : {},
    );
    rig.run(2_000);
    expectSame(rig);
    expect(rig.receiver.of('evidence')).toMatchObject([{ from: 3, code: 'WRONG_STATE' }]);
  });

  test('large nodes that cannot be judged yet are kept within bounds', () => {
    const rig = new TransferRig({ stateChunkBytes: 1_000 });
    rig.load(somePages(200, 400));
    rig.aim(rig.advance());
    const begun = new Set<number>();
    let most = 0;
    rig.filter = ({ from, to, message }) => {
      if (from === 2 && message.kind === 'stateNodes') {
        const parts = message.parts.map((part) =>
          part.level === 'page' ? { ...part, totalBytes: 60 << 20, data: new Uint8Array(1_000) } : part,
        );
        return { ...message, parts };
      }
      if (to === 2 && message.kind === 'fetchState') {
        for (const { number, offset } of message.nodes) if (offset > 0) begun.add(number);
        most = Math.max(most, begun.size);
      }
      return message;
    };
    rig.run(1_000);
    expectSame(rig);
    // One, and another one once it had stalled.
    expect(most).toBeLessThanOrEqual(2);
  });
});

describe('a donor that is slow', () => {
  test('is asked for fewer', () => {
    const rig = new TransferRig();
    rig.load(somePages(10_000));
    rig.aim(rig.advance());
    const late: { readonly at: number; readonly message: PeerMessage }[] = [];
    rig.filter = ({ from, message }) => {
      if (from !== 2) return message;
      late.push({ at: rig.receiver.nowMs + 300, message });
      return null;
    };
    for (let passed = 0; passed < 3_000 && !rig.isDone; passed += 10) {
      rig.run(10);
      while (late.length > 0 && late[0]!.at <= rig.receiver.nowMs) rig.deliver(2, late.shift()!.message);
    }
    expectSame(rig);
    expect(rig.pagesReceived(2).length).toBeLessThan(rig.pagesReceived(0).length / 10);
  });
});

describe('a donor that stalls', () => {
  test('loses what it was asked for to others, and gets fewer afterwards', () => {
    const rig = new TransferRig();
    rig.load(somePages(2_000));
    rig.aim(rig.advance());
    rig.filter = ({ from, message }) => {
      const isPage = message.kind === 'stateNodes' && message.parts.some(({ level }) => level === 'page');
      return from === 0 && isPage ? null : message;
    };
    const start = rig.receiver.nowMs;
    rig.run(3_000);
    expectSame(rig);
    expect(rig.receiver.nowMs - start).toBeLessThan(700);
    expect(rig.pagesReceived(0)).toEqual([]);
    expect(rig.receiver.evidence()).toEqual([]);
  });

  test('and trickles does not hold up the end', () => {
    const rig = new TransferRig();
    rig.load(somePages(500));
    rig.aim(rig.advance());
    let next = 0;
    rig.filter = ({ from, message }) => {
      if (from !== 3 || message.kind !== 'stateNodes') return message;
      if (message.parts.every(({ level }) => level === 'roots')) return message;
      // A part now and then, in time not to be counted as silent.
      if (rig.receiver.nowMs < next) return null;
      next = rig.receiver.nowMs + 450;
      return { ...message, parts: message.parts.slice(0, 1) };
    };
    const start = rig.receiver.nowMs;
    rig.run(5_000);
    expectSame(rig);
    expect(rig.receiver.nowMs - start).toBeLessThan(1_500);
  });

  test('is no matter where all do for a while', () => {
    const rig = new TransferRig();
    rig.load(somePages(500));
    rig.aim(rig.advance());
    const start = rig.receiver.nowMs;
    rig.filter = ({ message }) => (rig.receiver.nowMs - start < 3_000 ? null : message);
    rig.run(6_000);
    expectSame(rig);
  });
});

describe('donors that have gone on', () => {
  test('are followed to their newer checkpoint, and nothing that is right there is fetched twice', () => {
    const rig = new TransferRig({ stateBytesPerSecond: 500_000 });
    rig.load(somePages(2_000, 400));
    rig.aim(rig.advance());
    rig.run(300);
    expect(rig.isDone).toBe(false);
    const before = rig.pagesReceived();
    expect(before.length).toBeGreaterThan(100);
    // They lose the state that is fetched, for nobody asks for it in a while.
    rig.load([
      [1, new Uint8Array(7)],
      [2_000, null],
      [9_000, new Uint8Array(7)],
    ]);
    rig.advance();
    rig.advance();
    for (const donor of rig.donors.values()) donor.jump(6_000);
    rig.receiver.jump(6_000);
    rig.run(10_000);
    expectSame(rig);
    expect(rig.receiver.status.executed).toBe(12);
    const after = rig.pagesReceived().slice(before.length);
    const again = after.filter((page) => before.includes(page) && page > 1);
    expect(again).toEqual([]);
    expect(rig.events('state-transfer-started').map(({ sequenceNumber }) => sequenceNumber)).toEqual([4, 12]);
  });

  test('keep the state that is being fetched past the next checkpoints', () => {
    const rig = new TransferRig({ stateBytesPerSecond: 500_000 });
    rig.load(somePages(2_000, 400));
    rig.aim(rig.advance());
    for (let round = 0; round < 4; round++) {
      rig.run(50);
      rig.load([[1 + round, new Uint8Array(7)]]);
      rig.advance();
    }
    expect(rig.isDone).toBe(false);
    rig.run(10_000);
    expect(rig.events('state-transferred')).toMatchObject([{ sequenceNumber: 4, pagesFetched: 2_001 }]);
    expect(rig.receiver.status.executed).toBe(4);
    expect(rig.donor(0).status.executed).toBe(20);
    expect(rig.donor(0).status.sizes).toMatchObject({ statesHeld: 1 });
    rig.donor(0).jump(5_000);
    expect(rig.donor(0).status.sizes).toMatchObject({ statesHeld: 0, stateRequests: 0 });
  });

  test('are not followed while a large page comes part by part, however long it takes', () => {
    const rig = new TransferRig({ stateChunkBytes: 500, stateBytesPerSecond: 20_000 });
    rig.load([[3, Uint8Array.from({ length: 50_000 }, (_, index) => index % 251)]]);
    rig.aim(rig.advance());
    for (let round = 0; round < 4; round++) {
      rig.run(1_000);
      rig.load([[4 + round, new Uint8Array(7)]]);
      rig.receiver.message(0, { kind: 'stableCheckpoint', certificate: rig.advance() });
    }
    rig.run(10_000);
    expect(rig.events('state-transferred')).toMatchObject([{ sequenceNumber: 4 }]);
    expect(rig.events('state-transfer-started')).toHaveLength(1);
  });

  test('are not followed for ever where each part takes longer than a donor is given at first', () => {
    const rig = new TransferRig({ stateChunkBytes: 5_000, stateBytesPerSecond: 2_000 });
    rig.load([[3, Uint8Array.from({ length: 20_000 }, (_, index) => index % 251)]]);
    rig.aim(rig.advance());
    for (let second = 0; second < 120 && !rig.isDone; second++) {
      rig.run(1_000);
      rig.load([[4 + second, new Uint8Array(7)]]);
      rig.receiver.message(0, { kind: 'stableCheckpoint', certificate: rig.advance() });
    }
    expect(rig.isDone).toBe(true);
  });

  test('are followed only once f + 1 have: one that denies the state takes nobody along', () => {
    const rig = new TransferRig({ stateBytesPerSecond: 500_000 });
    rig.load(somePages(2_000, 400));
    const proof = rig.advance();
    rig.aim(proof);
    const { sequenceNumber } = proof;
    rig.carry();
    const newer = rig.advance();
    rig.filter = ({ from, message }) =>
      from === 3 && message.kind === 'stateNodes'
        ? { kind: 'stateGone', sequenceNumber, certificate: newer }
        : message;
    rig.run(10_000);
    expect(rig.events('state-transferred')).toMatchObject([{ sequenceNumber: 4, pagesFetched: 2_001 }]);
    // And then, unless the histories bring it there first, on to the newer one.
    rig.receiver.tick(300);
    expect(rig.events('state-transfer-started').map((fields) => fields['sequenceNumber'])).toEqual([4, 8]);
  });

  test('are not followed by the word of one whose certificate does not hold', () => {
    const rig = new TransferRig();
    rig.load(somePages(100));
    const proof = rig.advance();
    rig.aim(proof);
    const forged = { ...proof, sequenceNumber: 8 as typeof proof.sequenceNumber };
    rig.receiver.message(2, { kind: 'stateGone', sequenceNumber: proof.sequenceNumber, certificate: forged });
    expect(rig.receiver.evidence()).toEqual(['BAD_CERTIFICATE']);
    rig.run(1_000);
    expectSame(rig);
  });
});

describe('a donor', () => {
  const roots = { level: 'roots', section: 0, number: 0, offset: 0 } as const;
  const page = (number: number) => ({ level: 'page', section: 1, number, offset: 0 }) as const;

  function askingFor(rig: TransferRig, from: number, number: number, pages: readonly number[]): void {
    const nodes = pages.length === 0 ? [roots] : pages.map(page);
    rig.donor(0).message(from, { kind: 'fetchState', sequenceNumber: number as never, nodes });
  }

  const bytesSent = (rig: TransferRig): number =>
    rig
      .donor(0)
      .sent('stateNodes')
      .flatMap(({ parts }) => parts)
      .reduce((sum, { data }) => sum + data.length, 0);

  test('gives no more in a tick than its budget, to all peers together', () => {
    const stateBytesPerSecond = 1 << 20;
    const rig = new TransferRig({ stateBytesPerSecond, stateChunkBytes: 4_096 });
    rig.load(somePages(200, 1_000));
    rig.advance();
    const donor = rig.donor(0);
    donor.tick(1_000);
    const all = Array.from({ length: 200 }, (_, index) => 1 + index);
    for (const peer of [1, 2, 3]) askingFor(rig, peer, 4, all);
    const perTick: number[] = [];
    while (donor.status.sizes['stateRequests']! > 0) {
      donor.clear();
      donor.tick(10);
      perTick.push(bytesSent(rig));
    }
    const budget = stateBytesPerSecond / 100;
    expect(Math.max(...perTick)).toBeLessThanOrEqual(budget + 4_096);
    expect(perTick.reduce((sum, bytes) => sum + bytes) / perTick.length).toBeLessThanOrEqual(budget);
    expect(perTick.length).toBeGreaterThan(40);
  });

  test('gives far less of it while it executes batches', () => {
    const given = [false, true].map((isBusy) => {
      const rig = new TransferRig({ stateBytesPerSecond: 1 << 20, stateChunkBytes: 4_096 });
      rig.load(somePages(1_000, 1_000));
      rig.advance();
      const donor = rig.donor(0);
      donor.tick(1_000);
      askingFor(
        rig,
        1,
        4,
        Array.from({ length: 200 }, (_, index) => 1 + index),
      );
      donor.clear();
      for (let number = 5; number <= 6; number++) {
        if (isBusy) donor.fill(number, number);
        donor.tick(50);
      }
      return bytesSent(rig);
    });
    expect(given[1]! / given[0]!).toBeLessThan(0.35);
    expect(given[1]).toBeGreaterThan(0);
  });

  test('sends what is asked for and nothing for what there is not', () => {
    const rig = new TransferRig();
    rig.load(somePages(3));
    rig.advance();
    rig.donor(0).tick(10);
    rig.donor(0).clear();
    askingFor(rig, 1, 4, [2, 77, 2 ** 50]);
    const [answer] = rig.donor(0).sent('stateNodes');
    expect(answer?.parts.map(({ number }) => number)).toEqual([2]);
    expect(equalBytes(answer!.parts[0]!.data, rig.pages(0).get(2)!)).toBe(true);
  });

  test('keeps a bounded number of requests and states', () => {
    const rig = new TransferRig({ stateBytesPerSecond: 1 });
    rig.load(somePages(300));
    const donor = rig.donor(0);
    const all = Array.from({ length: 256 }, (_, index) => 1 + index);
    for (let round = 1; round <= 6; round++) {
      rig.advance([0]);
      for (const peer of [1, 2, 3]) if (round % 3 === peer - 1) askingFor(rig, peer, 4 * round, all);
    }
    for (let round = 0; round < 10; round++) askingFor(rig, 1, 24, all);
    const { statesHeld, stateRequests } = donor.status.sizes;
    expect(statesHeld).toBeLessThanOrEqual(2);
    expect(stateRequests).toBeLessThanOrEqual(3 * 1_024);
  });

  test('whose state is newer says so with its certificate', () => {
    const rig = new TransferRig();
    rig.advance();
    const newest = rig.advance();
    rig.donor(0).clear();
    askingFor(rig, 1, 4, []);
    expect(rig.donor(0).sent('stateGone')).toEqual([
      { kind: 'stateGone', sequenceNumber: 4, certificate: newest },
    ]);
  });
});
