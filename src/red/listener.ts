/**
 * Where the database replica of a coordinator connects (TCP; lines of messages.ts): one connection at a time, and whoever comes
 * meanwhile is told so and turned away. Must not let a replica that does not read cost memory, nor tell anything of a
 * connection that the coordinator has hung up.
 */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { InvalidInputError } from '../client/index.js';
import { LineReader } from './lines.js';
import { formatCoordinatorMessage, type LineProblem, type MemberId } from './messages.js';
import { connectedText } from './problems.js';
import type { ReplicaPort } from './runner.js';

/** What a coordinator hears of its replica; CoordinatorRunner is one. */
export interface ReplicaEvents {
  connected(): void;
  disconnected(): void;
  /** Without the end of the line. */
  line(text: string): void;
  malformed(problem: LineProblem): void;
}

export type ListenerEvent =
  /** A connection beside the replica's. */
  | { readonly kind: 'turnedAway'; readonly code: 'REPLICA_CONNECTED' }
  | { readonly kind: 'hangUp'; readonly code: 'REPLICA_NOT_READING' }
  /** A connection that the system could not accept. */
  | { readonly kind: 'failed'; readonly what: 'accept'; readonly error: unknown };

export interface ListenOptions {
  readonly id: MemberId;
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  /** Called once, when it listens and before anybody has connected. */
  readonly start: (replica: ReplicaPort) => ReplicaEvents;
  readonly watch: (event: ListenerEvent) => void;
}

export interface ReplicaListener {
  /** host:port. */
  readonly address: string;
  /** Ends every connection; of the replica's no `disconnected` is told. */
  close(): Promise<void>;
}

/** What the system does not take of a replica that does not read. */
const outputBytesMax = 65_536;
const connectionsMax = 16;
/** Time for whoever is turned away to read why, ms. */
const turnAwayMs = 1_000;
const keepAliveMs = 5_000;

class Listener implements ReplicaListener, ReplicaPort {
  readonly #options: ListenOptions;
  readonly #server = createServer({
    keepAlive: true,
    keepAliveInitialDelay: keepAliveMs,
    noDelay: true,
  });
  readonly #sockets = new Set<Socket>();
  #events: ReplicaEvents | null = null;
  /** The replica's. */
  #replica: Socket | null = null;

  constructor(options: ListenOptions) {
    this.#options = options;
    this.#server.maxConnections = connectionsMax;
    this.#server.on('connection', (socket) => this.#onConnection(socket));
  }

  get address(): string {
    const { address, port } = this.#server.address() as AddressInfo;
    return hostPort(address, port);
  }

  listen(): Promise<void> {
    const { host, port, start, watch } = this.#options;
    return new Promise((resolve, reject) => {
      const refuse = (cause: NodeJS.ErrnoException): void => reject(listenError(host, port, cause));
      this.#server.once('error', refuse);
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', refuse);
        this.#server.on('error', (error) => watch({ kind: 'failed', what: 'accept', error }));
        this.#events = start(this);
        resolve();
      });
    });
  }

  say(line: string): void {
    const socket = this.#replica;
    if (socket === null || socket.destroyed) return;
    socket.write(`${line}\n`);
    if (socket.writableLength <= outputBytesMax) return;
    this.#options.watch({ kind: 'hangUp', code: 'REPLICA_NOT_READING' });
    // `disconnected` comes with its close: not while the coordinator is saying something.
    socket.destroy();
  }

  hangUp(): void {
    const socket = this.#replica;
    this.#replica = null;
    socket?.destroy();
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#replica = null;
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #onConnection(socket: Socket): void {
    this.#sockets.add(socket);
    // `close` follows.
    socket.on('error', () => undefined);
    socket.once('close', () => this.#onClose(socket));
    if (this.#replica !== null || this.#events === null) {
      this.#turnAway(socket);
      return;
    }
    const lines = new LineReader();
    this.#replica = socket;
    socket.on('data', (chunk) => this.#onData(socket, lines, chunk));
    // Half a connection is none: what it is told could not be answered.
    socket.once('end', () => socket.destroy());
    this.#events.connected();
  }

  #onData(socket: Socket, lines: LineReader, chunk: Buffer): void {
    for (const line of lines.take(chunk)) {
      // The line before may have ended the connection.
      if (socket !== this.#replica || socket.destroyed) return;
      if ('text' in line) this.#events?.line(line.text);
      else this.#events?.malformed(line.problem);
    }
  }

  #onClose(socket: Socket): void {
    this.#sockets.delete(socket);
    if (socket !== this.#replica) return;
    this.#replica = null;
    this.#events?.disconnected();
  }

  #turnAway(socket: Socket): void {
    const { id, watch } = this.#options;
    const code = 'REPLICA_CONNECTED';
    // Read to the end: what is unread when it closes would cost the other side the reason.
    socket.resume();
    socket.end(`${formatCoordinatorMessage({ kind: 'error', code, text: connectedText(id) })}\n`);
    const cut = setTimeout(() => socket.destroy(), turnAwayMs);
    socket.once('close', () => clearTimeout(cut));
    watch({ kind: 'turnedAway', code });
  }
}

const hostPort = (host: string, port: number): string => `${host.includes(':') ? `[${host}]` : host}:${port}`;

function listenError(host: string, port: number, cause: NodeJS.ErrnoException): InvalidInputError {
  const address = hostPort(host, port);
  if (cause.code === 'EADDRINUSE') {
    const message = `${address} is in use: stop the process that listens there (perhaps this coordinator, started before), or listen elsewhere.`;
    return new InvalidInputError('PORT_IN_USE', message, { address }, cause);
  }
  const message = `cannot listen on ${address} (${cause.code ?? cause.message}): listen on an address of this machine, such as 127.0.0.1:0.`;
  return new InvalidInputError('ADDRESS_UNUSABLE', message, { address }, cause);
}

/** @throws InvalidInputError PORT_IN_USE, ADDRESS_UNUSABLE. */
export async function listen(options: ListenOptions): Promise<ReplicaListener> {
  const listener = new Listener(options);
  await listener.listen();
  return listener;
}
