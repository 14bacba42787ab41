/**
 * The one listening port: mutual TLS 1.3 in front of gRPC. The TLS server is ours and hands finished
 * connections to gRPC, so that no call can exist without a checked client certificate (pitfall 14) and
 * failed handshakes can be counted. What a certificate entitles to is decided per stream.
 */
import type { AddressInfo, Socket } from 'node:net';
import { createServer, type Server as TlsServer, type TLSSocket } from 'node:tls';
import {
  Metadata,
  Server,
  ServerCredentials,
  status,
  type ConnectionInjector,
  type ServerDuplexStream,
} from '@grpc/grpc-js';
import { InvalidInputError, type ReplicaId } from '../../base/index.js';
import { spkiFingerprint } from '../../crypto/index.js';
import type { Drops } from '../tally.js';
import type { TlsMaterial } from './dial.js';
import type { FrameReceiver, FrameStream } from './frame-stream.js';
import { asBuffer, clientService, peerService, serverOptions } from './wire.js';

export interface ListenerOptions {
  readonly tls: TlsMaterial;
  /** The other replica whose TLS key has this fingerprint, or null. */
  replicaOf(fingerprint: string): ReplicaId | null;
  acceptPeer(replica: ReplicaId, stream: FrameStream): FrameReceiver;
  acceptClient(stream: FrameStream): FrameReceiver;
  readonly drops: Drops;
}

type Call = ServerDuplexStream<Buffer, Buffer>;

const handshakeTimeoutMs = 5_000;
const connectionsMax = 8_192;
const handshakesMax = 512;
/** How long the other side may take to accept the end of a stream before its connection is cut, ms. */
const endGraceMs = 2_000;
/** How long streams may take to end when the port closes, ms. */
const closeGraceMs = 500;
/** Within this a departing client's connection follows its stream, ms. */
const departureMs = 500;

/** As gRPC names a call's peer. */
const nameOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress}:${remotePort}`;

export class Listener {
  readonly #options: ListenerOptions;
  readonly #tlsServer: TlsServer;
  readonly #grpcServer = new Server(serverOptions);
  readonly #injector: ConnectionInjector;
  /** Ends every open stream. */
  readonly #ends = new Set<() => void>();
  /** Every TCP connection, also before and during its handshake. */
  readonly #connections = new Set<Socket>();
  /** Those whose handshake is not finished, oldest first, by remote address and port. */
  readonly #handshakes = new Map<string, Socket>();
  /** Those whose handshake is finished, by remote address and port. */
  readonly #sockets = new Map<string, TLSSocket>();

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#grpcServer.addService(peerService, { link: (call: Call) => this.#onLink(call) });
    this.#grpcServer.addService(clientService, { session: (call: Call) => this.#onSession(call) });
    this.#injector = this.#grpcServer.createConnectionInjector(ServerCredentials.createInsecure());
    this.#tlsServer = createServer({
      ca: options.tls.certificateAuthority,
      key: options.tls.key,
      cert: options.tls.certificate,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.3',
      ALPNProtocols: ['h2'],
      handshakeTimeout: handshakeTimeoutMs,
      noDelay: true,
    });
    this.#tlsServer.maxConnections = connectionsMax;
    this.#tlsServer.on('connection', (connection) => this.#onTcpConnection(connection));
    this.#tlsServer.on('secureConnection', (socket) => this.#onConnection(socket));
    this.#tlsServer.on('tlsClientError', () => this.#options.drops.add('HANDSHAKE_FAILED'));
  }

  /** Resolves to the port. @throws InvalidInputError PORT_IN_USE, ADDRESS_UNUSABLE. */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const refuse = (cause: NodeJS.ErrnoException): void => reject(listenError(host, port, cause));
      this.#tlsServer.once('error', refuse);
      this.#tlsServer.listen({ host, port }, () => {
        this.#tlsServer.off('error', refuse);
        // Running out of descriptors and the like: the connection is lost, the server lives on.
        this.#tlsServer.on('error', () => this.#options.drops.add('HANDSHAKE_FAILED'));
        resolve((this.#tlsServer.address() as AddressInfo).port);
      });
    });
  }

  /** Stops accepting and ends the streams; what is left after a moment is cut. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#tlsServer.close(() => resolve()));
    for (const end of this.#ends) end();
    this.#injector.destroy();
    const cut = setTimeout(() => {
      this.#grpcServer.forceShutdown();
      for (const connection of this.#connections) connection.destroy();
    }, closeGraceMs);
    await closed;
    clearTimeout(cut);
    this.#grpcServer.forceShutdown();
  }

  /** Strangers may hold only so many connections: the oldest unfinished handshake makes room for the next. */
  #onTcpConnection(connection: Socket): void {
    const name = nameOf(connection);
    this.#connections.add(connection);
    this.#handshakes.set(name, connection);
    connection.once('close', () => {
      this.#connections.delete(connection);
      if (this.#handshakes.get(name) === connection) this.#handshakes.delete(name);
    });
    if (this.#handshakes.size <= handshakesMax) return;
    for (const [oldestName, oldest] of this.#handshakes) {
      this.#handshakes.delete(oldestName);
      oldest.destroy();
      return;
    }
  }

  #onConnection(socket: TLSSocket): void {
    this.#handshakes.delete(nameOf(socket));
    // Broken connections are normal; the streams on them end.
    socket.on('error', () => undefined);
    if (!socket.authorized || socket.alpnProtocol !== 'h2') {
      this.#options.drops.add(socket.authorized ? 'NOT_HTTP2' : 'HANDSHAKE_FAILED');
      socket.destroy();
      return;
    }
    const name = nameOf(socket);
    this.#sockets.set(name, socket);
    socket.once('close', () => {
      if (this.#sockets.get(name) === socket) this.#sockets.delete(name);
    });
    this.#injector.injectConnection(socket);
  }

  #onLink(call: Call): void {
    const certificate = call.getAuthContext().sslPeerCertificate;
    const replica = certificate ? this.#options.replicaOf(spkiFingerprint(certificate.raw)) : null;
    if (replica === null) {
      this.#options.drops.add('UNKNOWN_PEER');
      call.emit('error', { code: status.PERMISSION_DENIED, details: 'not a replica of this cluster' });
      return;
    }
    this.#serve(call, (stream) => this.#options.acceptPeer(replica, stream));
  }

  /** A stream has ended by itself: with its connection that is a departure, alone it was broken off. */
  #classify(peer: string): void {
    const socket = this.#sockets.get(peer);
    if (socket === undefined) return;
    const timer = setTimeout(() => {
      if (this.#sockets.get(peer) === socket) this.#options.drops.add('STREAM_BROKEN');
    }, departureMs);
    timer.unref();
  }

  #onSession(call: Call): void {
    this.#serve(call, (stream) => this.#options.acceptClient(stream));
  }

  #serve(call: Call, accept: (stream: FrameStream) => FrameReceiver): void {
    let isEnded = false;
    let hasOtherEnded = false;
    let isClosed = false;
    let cut: NodeJS.Timeout | null = null;
    const end = (): void => {
      if (isEnded) return;
      isEnded = true;
      call.end();
      cut = setTimeout(() => this.#sockets.get(call.getPeer())?.destroy(), endGraceMs);
    };
    this.#ends.add(end);
    const receiver = accept({
      address: call.getPeer(),
      write: (frame, done) => {
        if (!isEnded && !isClosed) call.write(asBuffer(frame), done);
      },
      pause: () => call.pause(),
      resume: () => call.resume(),
      end,
    });
    const close = (): void => {
      if (isClosed) return;
      isClosed = true;
      this.#ends.delete(end);
      if (cut !== null) clearTimeout(cut);
      if (!isEnded && !hasOtherEnded) this.#classify(call.getPeer());
      receiver.closed();
    };
    call.on('data', (frame: Buffer) => {
      if (!isEnded) receiver.frame(frame);
    });
    call.on('end', () => {
      hasOtherEnded = true;
      end();
    });
    call.on('cancelled', close);
    call.on('close', close);
    // The other side learns at once that its stream was accepted.
    call.sendMetadata(new Metadata());
  }
}

function listenError(host: string, port: number, cause: NodeJS.ErrnoException): InvalidInputError {
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  if (cause.code === 'EADDRINUSE') {
    return new InvalidInputError(
      'PORT_IN_USE',
      `${address} is in use: stop the process that listens there (perhaps this replica, started before) or change the replica's address in the cluster file.`,
      { address },
      cause,
    );
  }
  return new InvalidInputError(
    'ADDRESS_UNUSABLE',
    `cannot listen on ${address} (${cause.code ?? cause.message}): correct the replica's address, or give the local one with the listen option.`,
    { address },
    cause,
  );
}
