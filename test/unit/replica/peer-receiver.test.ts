import { expect, it } from 'vitest';
import { digest, replicaId, sequenceNumber, viewNumber } from '../../../src/base/index.js';
import { encodePeerFrame, encodePeerMessage } from '../../../src/codec/index.js';
import { Tally } from '../../../src/replica/tally.js';
import type { FrameStream } from '../../../src/replica/transport/frame-stream.js';
import { PeerReceiver } from '../../../src/replica/transport/peer-receiver.js';

const message = encodePeerMessage({
  kind: 'commit',
  view: viewNumber(0),
  sequenceNumber: sequenceNumber(1),
  digest: digest('00'.repeat(32)),
});
const frameOf = (count: number): Uint8Array => encodePeerFrame(Array.from({ length: count }, () => message));

it('a replica of which much waits is read no further until that is taken; others are', () => {
  const waiting = [0, 0, 0, 0];
  const drops = new Tally();
  const receiver = new PeerReceiver({
    deliver: (from) => void waiting[from]!++,
    waitingOf: (from) => waiting[from]!,
    drops,
  });
  const paused = [false, false, false, false];
  const open = (id: number) => {
    const stream: FrameStream = {
      address: 'test',
      write: () => undefined,
      pause: () => void (paused[id] = true),
      resume: () => void (paused[id] = false),
      end: () => undefined,
    };
    return receiver.accept(replicaId(id), stream);
  };
  const [flooding, other] = [open(1), open(2)];
  flooding.frame(frameOf(2_000));
  expect(paused[1]).toBe(false);
  flooding.frame(frameOf(2_000));
  other.frame(frameOf(10));
  expect(paused).toEqual([false, true, false, false]);
  receiver.endTurn();
  expect(paused[1]).toBe(true);
  waiting[1] = 500;
  receiver.endTurn();
  expect(paused[1]).toBe(false);
  for (let frames = 0; frames < 5; frames++) flooding.frame(frameOf(2_000));
  expect(waiting[1]).toBe(8_192);
  expect(drops.totals()).toEqual({ PEER_FLOODS: 2_308 });
  flooding.closed();
  receiver.endTurn();
});
