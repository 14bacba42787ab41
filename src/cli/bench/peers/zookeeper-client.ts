/** One session with a ZooKeeper server: requests are pipelined, answers come in the order of the requests. */
import { connect, type Socket } from 'node:net';
import { TheodoraError } from '../../../base/index.js';
import { parseAddress } from '../../../crypto/index.js';
import {
  decodeData,
  decodeReply,
  decodeSession,
  encodeCloseSession,
  encodeConnect,
  encodeCreate,
  encodeGetData,
  encodePing,
  isAnswerToPing,
  PacketReader,
  type Reply,
} from './zookeeper-wire.js';

interface Pending {
  readonly xid: number;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
}

/** Whoever waits for the session to open. */
interface Opening {
  readonly open: () => void;
  readonly reject: (error: unknown) => void;
}

const sessionTimeoutMs = 30_000;
const nodeExists = -110;

const unavailable = (address: string, cause?: unknown): TheodoraError =>
  new TheodoraError('PEER_UNAVAILABLE', `the ZooKeeper at ${address} is gone`, { address }, cause);

export class ZooKeeperClient {
  readonly #address: string;
  readonly #socket: Socket;
  readonly #packets = new PacketReader();
  readonly #pending: Pending[] = [];
  #outgoing: Buffer[] = [];
  readonly #opening: Opening;
  #isConnected = false;
  #failure: TheodoraError | null = null;
  #pings: NodeJS.Timeout | null = null;
  #lastXid = 0;

  static connect(address: string, timeoutMs: number): Promise<ZooKeeperClient> {
    return new Promise((resolve, reject) => {
      const client: ZooKeeperClient = new ZooKeeperClient(address, timeoutMs, {
        open: () => resolve(client),
        reject,
      });
    });
  }

  private constructor(address: string, timeoutMs: number, opening: Opening) {
    this.#address = address;
    this.#opening = opening;
    const { host, port } = parseAddress(address)!;
    this.#socket = connect({ host, port, noDelay: true });
    this.#socket.setTimeout(timeoutMs);
    this.#socket.on('connect', () => this.#socket.write(encodeConnect(sessionTimeoutMs)));
    this.#socket.on('timeout', () => this.#fail(unavailable(address)));
    this.#socket.on('error', (error) => this.#fail(unavailable(address, error)));
    this.#socket.on('close', () => this.#fail(unavailable(address)));
    this.#socket.on('data', (chunk: Buffer) => this.#onData(chunk));
  }

  /** False: it exists already. */
  async create(path: string, data: Uint8Array): Promise<boolean> {
    const { error } = await this.#request((xid) => encodeCreate(xid, path, data));
    if (error !== 0 && error !== nodeExists) throw this.#refused('create', error);
    return error === 0;
  }

  async getData(path: string): Promise<Buffer> {
    const { error, body } = await this.#request((xid) => encodeGetData(xid, path));
    if (error !== 0) throw this.#refused('getData', error);
    return decodeData(body);
  }

  async close(): Promise<void> {
    if (this.#failure === null) await this.#request(encodeCloseSession).catch(() => undefined);
    this.#fail(unavailable(this.#address));
  }

  #request(encode: (xid: number) => Buffer): Promise<Reply> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      const xid = ++this.#lastXid;
      this.#pending.push({ xid, resolve, reject });
      this.#send(encode(xid));
    });
  }

  /** What is sent in one turn of the event loop goes out with one write. */
  #send(packet: Buffer): void {
    if (this.#outgoing.length === 0) setImmediate(() => this.#flush());
    this.#outgoing.push(packet);
  }

  #flush(): void {
    if (this.#failure === null) this.#socket.write(Buffer.concat(this.#outgoing));
    this.#outgoing = [];
  }

  #onData(chunk: Buffer): void {
    try {
      for (const packet of this.#packets.push(chunk))
        if (this.#isConnected) this.#onReply(decodeReply(packet));
        else this.#onSession(packet);
    } catch (error) {
      this.#fail(error instanceof TheodoraError ? error : unavailable(this.#address, error));
    }
  }

  #onSession(packet: Buffer): void {
    const { isOpen, timeoutMs } = decodeSession(packet);
    if (!isOpen) throw unavailable(this.#address);
    this.#isConnected = true;
    this.#pings = setInterval(() => this.#send(encodePing()), timeoutMs / 3);
    this.#opening.open();
  }

  #onReply(reply: Reply): void {
    if (isAnswerToPing(reply)) return;
    const [oldest] = this.#pending;
    if (oldest?.xid !== reply.xid)
      throw new TheodoraError('PEER_PROTOCOL', `ZooKeeper answered ${reply.xid} out of turn`);
    this.#pending.shift();
    oldest.resolve(reply);
  }

  #refused(operation: string, error: number): TheodoraError {
    return new TheodoraError('PEER_REFUSED', `ZooKeeper refused ${operation}: error ${error}`, { error });
  }

  #fail(error: TheodoraError): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    if (this.#pings !== null) clearInterval(this.#pings);
    this.#socket.destroy();
    this.#opening.reject(error);
    for (const { reject } of this.#pending.splice(0)) reject(error);
  }
}
