import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { putRequest, rangeRequest, rangeResponse } from '../../../src/cli/bench/peers/etcd-wire.js';
import { counterpartOf, peerPoints } from '../../../src/cli/bench/peers/points.js';
import { ZooKeeperClient } from '../../../src/cli/bench/peers/zookeeper-client.js';
import {
  decodeData,
  decodeReply,
  decodeSession,
  encodeConnect,
  encodeCreate,
  encodeGetData,
  encodePing,
  isAnswerToPing,
  PacketReader,
} from '../../../src/cli/bench/peers/zookeeper-wire.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytes = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe("etcd's messages", () => {
  it('have the field numbers of rpc.proto', () => {
    const key = Buffer.from('k');
    expect(hex(putRequest.encode({ key, value: Buffer.from('v') }))).toBe('0a016b120176');
    expect(hex(rangeRequest.encode({ key, serializable: true }))).toBe('0a016b3801');
  });

  it('are read past fields that nobody asked for', () => {
    // A header (1), one key-value pair (2) with revisions (2, 3, 4), a count (4).
    const response = rangeResponse.decode(bytes('0a020801 120c 0a016b 1005 1806 2001 2a0176 2001'));
    expect(response.kvs.map(({ key, value }) => [hex(key), hex(value)])).toEqual([['6b', '76']]);
  });
});

describe("ZooKeeper's packets", () => {
  it('are length, header and fields in big-endian order', () => {
    expect(hex(encodeConnect(30_000))).toBe(
      hex(
        bytes(
          `0000002d 00000000 ${'00'.repeat(8)} 00007530 ${'00'.repeat(8)} 00000010 ${'00'.repeat(16)} 00`,
        ),
      ),
    );
    expect(hex(encodeCreate(5, '/a', bytes('0102')))).toBe(
      hex(
        bytes(
          `00000033 00000005 00000001 00000002 2f61 00000002 0102
          00000001 0000001f 00000005 776f726c64 00000006 616e796f6e65 00000000`.replaceAll('\n', ''),
        ),
      ),
    );
    expect(hex(encodeGetData(6, '/a'))).toBe(hex(bytes('0000000f 00000006 00000004 00000002 2f61 00')));
    expect(hex(encodePing())).toBe(hex(bytes('00000008 fffffffe 0000000b')));
  });

  it('come out of the stream whole, however it is cut', () => {
    const stream = Buffer.concat([encodeGetData(1, '/a'), encodePing(), encodeGetData(2, '/bc')]);
    for (let size = 1; size <= stream.length; size++) {
      const reader = new PacketReader();
      const packets: Buffer[] = [];
      for (let at = 0; at < stream.length; at += size)
        packets.push(...reader.push(stream.subarray(at, at + size)));
      expect(packets.map((packet) => packet.length)).toEqual([15, 8, 16]);
    }
    expect(() => new PacketReader().push(bytes('7fffffff'))).toThrow('2147483647 bytes');
  });

  it('are decoded: sessions, replies, data', () => {
    const session = bytes(`00000000 00007530 0000000000000001 00000010 ${'00'.repeat(16)}`);
    expect(decodeSession(session)).toEqual({ timeoutMs: 30_000, isOpen: true });
    expect(decodeSession(Buffer.alloc(36)).isOpen).toBe(false);
    const reply = decodeReply(bytes('00000007 0000000000000002 ffffff9b 00000002 0102 99'));
    expect([reply.xid, reply.error, hex(decodeData(reply.body))]).toEqual([7, -101, '0102']);
    expect(isAnswerToPing(decodeReply(bytes('fffffffe 0000000000000002 00000000')))).toBe(true);
    expect(() => decodeReply(bytes('00000007'))).toThrow('4 bytes');
    expect(() => decodeData(bytes('00000009 01'))).toThrow('shorter');
  });
});

describe('a client of ZooKeeper', () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  const framed = (body: Buffer): Buffer => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(body.length);
    return Buffer.concat([length, body]);
  };

  /** Opens a session, and answers requests with what `answer` says of their xid; null: closes. */
  function startServer(answer: (xid: number) => Buffer | null): Promise<string> {
    const server = createServer((socket: Socket) => {
      const reader = new PacketReader();
      let isOpen = false;
      socket.on('error', () => undefined);
      socket.on('data', (chunk: Buffer) => {
        for (const packet of reader.push(chunk)) {
          if (!isOpen) {
            isOpen = true;
            socket.write(framed(bytes(`00000000 00007530 0000000000000001 00000010 ${'00'.repeat(16)}`)));
            continue;
          }
          const body = answer(packet.readInt32BE(0));
          if (body === null) socket.destroy();
          else socket.write(framed(body));
        }
      });
    });
    servers.push(server);
    return new Promise((resolve) =>
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        resolve(`127.0.0.1:${typeof address === 'object' ? address?.port : ''}`);
      }),
    );
  }

  const replyTo = (xid: number, error: number, rest: string): Buffer => {
    const header = Buffer.alloc(16);
    header.writeInt32BE(xid, 0);
    header.writeInt32BE(error, 12);
    return Buffer.concat([header, bytes(rest)]);
  };

  it('has many requests under way, and tells refusals', async () => {
    const errors = new Map([
      [2, -110],
      [4, -101],
    ]);
    const address = await startServer((xid) => replyTo(xid, errors.get(xid) ?? 0, '00000001 07'));
    const client = await ZooKeeperClient.connect(address, 10_000);
    const first = client.create('/a', new Uint8Array(1));
    const second = client.create('/a', new Uint8Array(1));
    const third = client.getData('/a');
    const fourth = client.getData('/none');
    expect(await first).toBe(true);
    expect(await second).toBe(false);
    expect(hex(await third)).toBe('07');
    await expect(fourth).rejects.toMatchObject({ code: 'PEER_REFUSED', fields: { error: -101 } });
    await client.close();
  });

  it('fails what is under way when the server goes, and all that follows', async () => {
    const address = await startServer((xid) => (xid === 1 ? null : replyTo(xid, 0, '')));
    const client = await ZooKeeperClient.connect(address, 10_000);
    await expect(client.getData('/a')).rejects.toMatchObject({ code: 'PEER_UNAVAILABLE' });
    await expect(client.getData('/a')).rejects.toMatchObject({ code: 'PEER_UNAVAILABLE' });
    await client.close();
  });

  it('does not believe answers out of turn', async () => {
    const address = await startServer((xid) => replyTo(xid + 1, 0, ''));
    const client = await ZooKeeperClient.connect(address, 10_000);
    await expect(client.getData('/a')).rejects.toMatchObject({ code: 'PEER_PROTOCOL' });
    await client.close();
  });
});

describe('points of the comparison with peers', () => {
  it('compare each with the same of Theodora, and leave out who is not there', () => {
    const points = peerPoints(new Set(['theodora', 'etcd']));
    expect(new Set(points.map(({ system }) => system))).toEqual(new Set(['theodora', 'etcd']));
    for (const point of points) {
      const base = points[counterpartOf(point, points)];
      if (point.system === 'theodora') expect(base).toBeUndefined();
      else
        expect(base).toMatchObject({ system: 'theodora', kind: point.kind, concurrency: point.concurrency });
    }
  });
});
