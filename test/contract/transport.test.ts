/** The real transport: gRPC over mutual TLS on the loopback address, honest and hostile. */
import { readFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls, type ConnectionOptions, type SecureVersion } from 'node:tls';
import { status } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { replicaId, sequenceNumber, viewNumber, digest, type ReplicaId } from '../../src/base/index.js';
import {
  encodePeerFrame,
  encodePeerMessage,
  frameBytesMax,
  type PeerMessage,
} from '../../src/codec/index.js';
import { renewCertificate, replicaServerName } from '../../src/crypto/index.js';
import { Tally, type DropReason } from '../../src/replica/tally.js';
import { createDial, createPeerContext, type TlsMaterial } from '../../src/replica/transport/dial.js';
import type { FrameReceiver } from '../../src/replica/transport/frame-stream.js';
import { Listener } from '../../src/replica/transport/listener.js';
import { PeerLink, peerQueueLimits } from '../../src/replica/transport/peer-link.js';
import { PeerReceiver } from '../../src/replica/transport/peer-receiver.js';
import { peerLinkPath } from '../../src/replica/transport/wire.js';
import { makeClusterFiles, tlsMaterial, type ClusterFiles } from '../support/cluster-files.js';
import { Mailbox } from '../support/mailbox.js';
import { RawClient } from '../support/raw-client.js';

interface Received {
  readonly from: ReplicaId;
  readonly message: PeerMessage;
}

interface Host {
  readonly address: string;
  readonly port: number;
  readonly received: Mailbox<Received>;
  readonly drops: Tally;
  close(): Promise<void>;
}

let files: ClusterFiles;
let foreign: ClusterFiles;
let cleanups: (() => unknown)[] = [];

beforeAll(async () => {
  files = await makeClusterFiles();
  foreign = await makeClusterFiles();
});
afterAll(() => {
  files.remove();
  foreign.remove();
});
afterEach(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
  cleanups = [];
});

const message = (sequence: number): PeerMessage => ({
  kind: 'commit',
  view: viewNumber(0),
  sequenceNumber: sequenceNumber(sequence),
  digest: digest('ab'.repeat(32)),
});

/** A listening replica `id` that keeps what it receives; `folder` holds the TLS key it presents. */
async function host(id: number, folder = `replica-${id}`): Promise<Host> {
  const received = new Mailbox<Received>();
  const drops = new Tally();
  const receiver = new PeerReceiver({
    deliver: (from, message) => received.put({ from, message }),
    waitingOf: () => 0,
    drops,
  });
  const ignore = (): FrameReceiver => ({ frame: () => undefined, closed: () => undefined });
  const listener = new Listener({
    tls: tlsMaterial(files, folder),
    replicaOf: (fingerprint) =>
      files.description.replicas.find((other) => other.tlsFingerprint === fingerprint && other.id !== id)
        ?.id ?? null,
    acceptPeer: (from, stream) => receiver.accept(from, stream),
    acceptClient: ignore,
    drops,
  });
  const port = await listener.listen('127.0.0.1', 0);
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (isOpen) await listener.close();
    isOpen = false;
  };
  cleanups.push(close);
  return { address: `127.0.0.1:${port}`, port, received, drops, close };
}

interface TestLink {
  readonly link: PeerLink;
  readonly ups: Mailbox<void>;
  readonly downs: Mailbox<string>;
}

/** Replica `to` is expected at the host's address of the moment; `tls` is what the dialler presents. */
function link(target: { readonly address: string }, to: number, tls: TlsMaterial): TestLink {
  const ups = new Mailbox<void>();
  const downs = new Mailbox<string>();
  const { clusterId, replicas } = files.description;
  const dialTarget = {
    address: () => target.address,
    fingerprint: replicas[to]!.tlsFingerprint,
    serverName: replicaServerName(replicaId(to), clusterId),
  };
  const result = new PeerLink({
    dial: createDial(dialTarget, createPeerContext(tls)),
    queue: peerQueueLimits,
    encodeFrame: encodePeerFrame,
    onUp: () => ups.put(),
    onDown: (reason) => downs.put(reason),
  });
  cleanups.push(() => result.close(0));
  result.start();
  return { link: result, ups, downs };
}

function send({ link: { sender } }: TestLink, ...messages: PeerMessage[]): void {
  for (const one of messages) sender.push(encodePeerMessage(one));
  sender.flush();
}

const counted = (target: Host, reason: DropReason, count: number): Promise<void> =>
  vi.waitFor(() => expect(target.drops.get(reason)).toBe(count), { timeout: 10_000 });

/** The host still serves an honest peer. */
async function expectAlive(target: Host): Promise<void> {
  const honest = link(target, 0, tlsMaterial(files, 'replica-3'));
  send(honest, message(99));
  expect(await target.received.next()).toEqual({ from: 3, message: message(99) });
}

/** Resolves when a TLS connection with these options has ended, however it did. */
function tlsAttempt(target: Host, options: ConnectionOptions, send = ''): Promise<void> {
  return new Promise((resolve) => {
    const socket = connectTls({
      port: target.port,
      rejectUnauthorized: false,
      ALPNProtocols: ['h2'],
      ...options,
    });
    socket.on('error', () => undefined);
    socket.on('secureConnect', () => {
      if (send !== '') socket.write(send);
    });
    socket.on('close', () => resolve());
    socket.resume();
  });
}

describe('two replicas', () => {
  it('exchange frames, each on the stream it dialled', async () => {
    const zero = await host(0);
    const one = await host(1);
    const toOne = link(one, 1, tlsMaterial(files, 'replica-0'));
    const toZero = link(zero, 0, tlsMaterial(files, 'replica-1'));
    send(toOne, message(1), message(2));
    send(toZero, message(3));
    expect(await one.received.next()).toEqual({ from: 0, message: message(1) });
    expect(await one.received.next()).toEqual({ from: 0, message: message(2) });
    expect(await zero.received.next()).toEqual({ from: 1, message: message(3) });
  });

  it('carry a frame of nearly 4 MiB', async () => {
    const zero = await host(0);
    const large: PeerMessage = { kind: 'batchBody', batch: new Uint8Array(frameBytesMax - 64) };
    const from = link(zero, 0, tlsMaterial(files, 'replica-1'));
    send(from, large, message(2));
    const { message: arrived } = await zero.received.next();
    expect(arrived.kind === 'batchBody' && Buffer.compare(arrived.batch, large.batch)).toBe(0);
    expect((await zero.received.next()).message).toEqual(message(2));
  });

  it('replace an older stream of the same replica by the newest', async () => {
    const zero = await host(0);
    const older = link(zero, 0, tlsMaterial(files, 'replica-2'));
    await older.ups.next();
    const newer = link(zero, 0, tlsMaterial(files, 'replica-2'));
    await newer.ups.next();
    await older.downs.next();
    await older.link.close(0);
    send(newer, message(5));
    expect(await zero.received.next()).toEqual({ from: 2, message: message(5) });
  });

  it('reconnect after the other side went away, with what was queued meanwhile', async () => {
    const first = await host(0);
    const place = { address: first.address };
    const from = link(place, 0, tlsMaterial(files, 'replica-1'));
    await from.ups.next();
    await first.close();
    await from.downs.next();
    send(from, message(8));
    const second = await host(0);
    place.address = second.address;
    expect(await second.received.next()).toEqual({ from: 1, message: message(8) });
  });
});

describe('whom a replica talks to (pitfall 14)', () => {
  it('a server with the key of another replica is refused by the dialler', async () => {
    const wrong = await host(0, 'replica-1');
    const from = link(wrong, 0, tlsMaterial(files, 'replica-2'));
    expect(await from.downs.next()).toContain('not the one pinned');
    expect(from.link.isUp).toBe(false);
  });

  it('a replica counts as whose key it holds, not as whom it claims to be', async () => {
    const zero = await host(0);
    const from = link(zero, 0, tlsMaterial(files, 'replica-2'));
    send(from, message(1));
    expect((await zero.received.next()).from).toBe(2);
  });

  it.each([
    ['of a client', 'clients/admin'],
    ['of the replica itself', 'replica-0'],
  ])('a certificate %s is refused on Peer/Link', async (_whose, folder) => {
    const zero = await host(0);
    const intruder = new RawClient(zero.address, tlsMaterial(files, folder), peerLinkPath);
    cleanups.push(() => intruder.close());
    intruder.sendBytes(encodePeerFrame([encodePeerMessage(message(1))]));
    expect(await intruder.ended).toBe(status.PERMISSION_DENIED);
    expect(zero.drops.get('UNKNOWN_PEER')).toBe(1);
    await expectAlive(zero);
  });

  it('no certificate, a foreign and an expired one do not get past the handshake', async () => {
    const zero = await host(0);
    const own = tlsMaterial(files, 'replica-1');
    const expired = renewCertificate({
      tlsKeyPem: own.key,
      subject: {
        kind: 'replica',
        id: replicaId(1),
        host: '127.0.0.1',
        clusterId: files.description.clusterId,
      },
      caKeyPem: readFileSync(join(files.directory, 'ca/ca.key'), 'utf8'),
      caCertPem: files.description.certificateAuthority,
      now: new Date('2020-01-01'),
    });
    await tlsAttempt(zero, {});
    await counted(zero, 'HANDSHAKE_FAILED', 1);
    const stranger = tlsMaterial(foreign, 'replica-1');
    await tlsAttempt(zero, { key: stranger.key, cert: stranger.certificate });
    await counted(zero, 'HANDSHAKE_FAILED', 2);
    await tlsAttempt(zero, { key: own.key, cert: expired });
    await counted(zero, 'HANDSHAKE_FAILED', 3);
    await expectAlive(zero);
  });

  it('TLS below 1.3 is refused', async () => {
    const zero = await host(0);
    const { key, certificate: cert } = tlsMaterial(files, 'replica-1');
    const maxVersion: SecureVersion = 'TLSv1.2';
    await tlsAttempt(zero, { key, cert, maxVersion });
    await counted(zero, 'HANDSHAKE_FAILED', 1);
  });
});

describe('a hostile other side is dropped and counted, and the server lives on (pitfall 15)', () => {
  it('bytes that are no TLS', async () => {
    const zero = await host(0);
    await new Promise<void>((resolve) => {
      const socket = connectTcp(zero.port, '127.0.0.1', () => socket.end('GET / HTTP/1.1\r\n\r\n'));
      socket.on('error', () => undefined);
      socket.on('close', () => resolve());
      socket.resume();
    });
    await counted(zero, 'HANDSHAKE_FAILED', 1);
    await expectAlive(zero);
  });

  it('silent connections: the oldest make room', async () => {
    const zero = await host(0);
    const connections = Array.from({ length: 520 }, () => connectTcp(zero.port, '127.0.0.1'));
    for (const socket of connections) {
      socket.on('error', () => undefined);
      socket.resume();
      cleanups.push(() => socket.destroy());
    }
    await counted(zero, 'HANDSHAKE_FAILED', 8);
    await expectAlive(zero);
    expect(connections.filter(({ destroyed }) => !destroyed).length).toBeGreaterThan(500);
  });

  it('TLS without HTTP/2', async () => {
    const zero = await host(0);
    const { key, certificate: cert } = tlsMaterial(files, 'replica-1');
    const socket = connectTls({ port: zero.port, rejectUnauthorized: false, key, cert });
    socket.on('error', () => undefined);
    cleanups.push(() => socket.destroy());
    await counted(zero, 'NOT_HTTP2', 1);
    await expectAlive(zero);
  });

  it('TLS with a good certificate, then garbage', async () => {
    const zero = await host(0);
    const { key, certificate: cert } = tlsMaterial(files, 'replica-1');
    await tlsAttempt(zero, { key, cert }, 'garbage '.repeat(1_000));
    await expectAlive(zero);
  });

  it('malformed frames and messages', async () => {
    const zero = await host(0);
    const rogue = new RawClient(zero.address, tlsMaterial(files, 'replica-1'), peerLinkPath);
    cleanups.push(() => rogue.close());
    rogue.sendBytes(Uint8Array.of(0xff, 0xff, 0xff));
    rogue.sendBytes(encodePeerFrame([Uint8Array.of(7, 7), encodePeerMessage(message(4))]));
    expect(await zero.received.next()).toEqual({ from: 1, message: message(4) });
    expect(zero.drops.totals()).toEqual({ MALFORMED_FRAME: 1, MALFORMED_MESSAGE: 1 });
  });

  it.each([frameBytesMax + 1, 64 << 20])('a message of %d bytes', async (size) => {
    const zero = await host(0);
    const rogue = new RawClient(zero.address, tlsMaterial(files, 'replica-1'), peerLinkPath);
    cleanups.push(() => rogue.close());
    rogue.sendBytes(new Uint8Array(size));
    expect(await rogue.ended).toBe(status.RESOURCE_EXHAUSTED);
    await counted(zero, 'STREAM_BROKEN', 1);
    await expectAlive(zero);
  });
});
