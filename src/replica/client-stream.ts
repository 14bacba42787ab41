/**
 * One client's stream: challenge and hello, then attach, submit, read, follow, status and snapshot requests (DESIGN section 8).
 * The hello proves the client's key to this replica on this TLS connection; everything before it is refused.
 * Believes nothing else: envelopes are checked by the ordering layer, and must name this stream's client.
 */
import { randomBytes } from 'node:crypto';
import type { ClientId, ReplicaId, SessionId, ViewNumber } from '../base/index.js';
import {
  decodeClientFrame,
  decodeClientMessage,
  decodeEnvelope,
  encodeServerFrame,
  encodeServerMessage,
  type ClientMessage,
  type FetchSnapshot,
  type Follow,
  type Hello,
  type Read,
  type ServerMessage,
  type SnapshotNodes,
  type StatusReply,
} from '../codec/index.js';
import { verifyHello } from '../crypto/index.js';
import type { Input } from '../ordering/index.js';
import type { DropReason, Drops } from './tally.js';
import { FrameSender } from './transport/frame-sender.js';
import type { FrameReceiver, FrameStream } from './transport/frame-stream.js';

/** What a stream needs of the replica. */
export interface ClientStreamPorts {
  readonly replica: ReplicaId;
  /** SHA-256 of this replica's TLS public key (SPKI), 32 bytes. */
  readonly certificateFingerprint: Uint8Array;
  readonly clusterId: string;
  readonly drops: Drops;
  view(): ViewNumber;
  /** Monotonic. */
  nowMs(): number;
  /** As of what this replica has executed: it may lag behind the others. */
  isClient(client: ClientId): boolean;
  /** No envelopes are taken: there may be no room for the votes on them. */
  isDiskFull(): boolean;
  /** False: the core will not get it. */
  submit(input: Input, client: ClientId): boolean;
  /** Calls `send` with the answer, soon. */
  requestStatus(requestId: number, send: (reply: StatusReply) => void): void;
  isAdmin(client: ClientId): boolean;
  /** Calls `send` with the answer, when there is one. */
  fetchSnapshot(request: FetchSnapshot, send: (answer: SnapshotNodes) => void): void;
}

/** What a stream needs of the registry of all streams. */
export interface ClientStreamRegistry {
  /** Takes a stream whose client is proven; false if that client has too many. */
  admit(stream: ClientStream, client: ClientId): boolean;
  /** Its envelopes have been forged of late. */
  isBanished(client: ClientId): boolean;
  /** An id under which the answer finds back to this stream, or null if it waits for too many. */
  registerRead(stream: ClientStream, readId: number, wantsShares: boolean): number | null;
  /** Asks for a call of `endTurn` soon. */
  touch(stream: ClientStream): void;
  removed(stream: ClientStream): void;
}

const helloTimeoutMs = 10_000;
/** A session may be attached here without ever existing, so it needs a bound of its own. */
const sessionsMax = 64;
/** Further frames of the same stream wait for the next turn. */
const framesPerTurnMax = 64;
const sendQueueLimits = { bytesMax: 16 << 20, countMax: 16_384 };

export class ClientStream implements FrameReceiver {
  /** Under which the core knows it; never used for another stream. */
  readonly number: number;
  readonly #stream: FrameStream;
  readonly #ports: ClientStreamPorts;
  readonly #registry: ClientStreamRegistry;
  readonly #nonce = new Uint8Array(randomBytes(32));
  readonly #sender = new FrameSender(sendQueueLimits, encodeServerFrame);
  readonly #helloTimer: NodeJS.Timeout;
  readonly #sessions = new Set<SessionId>();
  #state: 'new' | 'ready' | 'closed' = 'new';
  #client: ClientId | null = null;
  #framesThisTurn = 0;
  /** Whether the core may hold something for this stream. */
  #hasFollowed = false;

  constructor(number: number, stream: FrameStream, ports: ClientStreamPorts, registry: ClientStreamRegistry) {
    this.number = number;
    this.#stream = stream;
    this.#ports = ports;
    this.#registry = registry;
    this.#sender.connect((frame, done) => stream.write(frame, done));
    this.#helloTimer = setTimeout(() => this.refuse('HELLO_REQUIRED'), helloTimeoutMs);
    this.send({ kind: 'challenge', replica: ports.replica, nonce: this.#nonce });
  }

  /** The client that has proven its key, or null. */
  get client(): ClientId | null {
    return this.#client;
  }

  get isClosed(): boolean {
    return this.#state === 'closed';
  }

  hasSession(session: SessionId): boolean {
    return this.#sessions.has(session);
  }

  send(message: ServerMessage): void {
    this.sendEncoded(encodeServerMessage(message));
  }

  /** Queues an encoded message for the end of the turn; a client that does not keep up loses its stream. */
  sendEncoded(message: Uint8Array): void {
    if (this.#state === 'closed') return;
    if (this.#sender.push(message) > 0) this.refuse('SLOW_CLIENT');
    else this.#registry.touch(this);
  }

  /** Lets out what is queued as far as it goes, tells that the client is none any more and ends the stream. */
  endClient(): void {
    this.endTurn();
    this.refuse('UNKNOWN_CLIENT');
  }

  /** No envelopes are taken from now on, or they are again. */
  diskChanged(isFull: boolean): void {
    this.send({ kind: 'notice', code: isFull ? 'DISK_FULL' : 'DISK_FREE' });
  }

  /** Tells why and ends the stream; what is queued is dropped. */
  refuse(code: DropReason | 'SHUTTING_DOWN'): void {
    if (this.#state === 'closed') return;
    if (code !== 'SHUTTING_DOWN') this.#drop(code);
    // Past the queue, which may be the very reason.
    const notice = encodeServerMessage({ kind: 'notice', code });
    this.#stream.write(encodeServerFrame([notice]), () => undefined);
    this.closed();
    this.#stream.end();
  }

  frame(bytes: Uint8Array): void {
    if (this.#state === 'closed') return;
    if (++this.#framesThisTurn >= framesPerTurnMax) this.#stream.pause();
    this.#registry.touch(this);
    const messages = decodeClientFrame(bytes);
    if (messages === null) {
      this.#notice('MALFORMED_FRAME');
      return;
    }
    for (const encoded of messages) {
      const message = decodeClientMessage(encoded);
      if (message === null) this.#notice('MALFORMED_MESSAGE');
      else this.#onMessage(message);
    }
  }

  closed(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    clearTimeout(this.#helloTimer);
    this.#sender.disconnect();
    this.#registry.removed(this);
    // Behind what it has asked for itself.
    if (this.#hasFollowed && this.#client !== null)
      this.#ports.submit({ kind: 'streamClosed', stream: this.number }, this.#client);
  }

  endTurn(): void {
    const wasPaused = this.#framesThisTurn >= framesPerTurnMax;
    this.#framesThisTurn = 0;
    if (wasPaused) this.#stream.resume();
    this.#sender.flush();
  }

  #drop(code: DropReason): void {
    this.#ports.drops.add(code, 1, ...(this.#client === null ? [] : [this.#client]));
  }

  #notice(code: DropReason): void {
    this.#drop(code);
    this.send({ kind: 'notice', code });
  }

  #onMessage(message: ClientMessage): void {
    if (this.#state === 'closed') return;
    if (message.kind === 'hello') {
      if (this.#state === 'new') this.#onHello(message);
      else this.#notice('HELLO_REPEATED');
      return;
    }
    const client = this.#client;
    if (client === null) {
      this.#notice('HELLO_REQUIRED');
      return;
    }
    switch (message.kind) {
      case 'attach':
        this.#attach(client, message.session);
        break;
      case 'submit':
        this.#submit(client, message.envelope);
        break;
      case 'read':
        this.#read(client, message);
        break;
      case 'follow':
        this.#follow(client, message);
        break;
      case 'statusRequest':
        this.#ports.requestStatus(message.requestId, (reply) => this.send(reply));
        break;
      case 'fetchSnapshot':
        // Whoever has the state reads past every list and policy.
        if (this.#ports.isAdmin(client)) this.#ports.fetchSnapshot(message, (answer) => this.send(answer));
        else this.#notice('ADMIN_ONLY');
    }
  }

  #onHello(hello: Hello): void {
    const { clusterId, replica, certificateFingerprint } = this.#ports;
    const context = { clusterId, replica, certificateFingerprint, nonce: this.#nonce };
    if (!verifyHello(context, hello)) this.refuse('HELLO_REFUSED');
    else if (!this.#ports.isClient(hello.client)) this.refuse('UNKNOWN_CLIENT');
    else if (this.#registry.isBanished(hello.client)) this.refuse('CLIENT_FAULTY');
    else this.#welcome(hello);
  }

  #welcome(hello: Hello): void {
    if (!this.#registry.admit(this, hello.client)) {
      this.refuse('TOO_MANY_STREAMS');
      return;
    }
    clearTimeout(this.#helloTimer);
    this.#state = 'ready';
    this.#client = hello.client;
    this.send({ kind: 'welcome', view: this.#ports.view() });
    if (this.#ports.isDiskFull()) this.diskChanged(true);
    this.#attach(hello.client, hello.session);
  }

  /** Only the first time: what was told since then is on its way or has arrived. */
  #attach(client: ClientId, session: SessionId): void {
    if (session === 0 || this.#sessions.has(session)) return;
    if (this.#sessions.size >= sessionsMax) {
      this.#notice('TOO_MANY_SESSIONS');
      return;
    }
    this.#sessions.add(session);
    this.#submitOnce({ kind: 'attached', client, session }, client);
  }

  /** Whose feed it is, and how many may be followed, is the core's to judge. */
  #follow(client: ClientId, { session, number, after }: Follow): void {
    this.#hasFollowed = true;
    this.#submitOnce({ kind: 'follow', stream: this.number, client, session, number, after }, client);
  }

  /** For what the client does not repeat on this stream: if it is lost, the client has to come again. */
  #submitOnce(input: Input, client: ClientId): void {
    if (!this.#ports.submit(input, client)) this.refuse('INPUTS_FULL');
  }

  #submit(client: ClientId, bytes: Uint8Array): void {
    const envelope = decodeEnvelope(bytes);
    if (envelope === null) this.#notice('MALFORMED_ENVELOPE');
    else if (envelope.body.kind === 'rejoin' || envelope.body.client !== client)
      this.#notice('FOREIGN_ENVELOPE');
    // A state transfer may have brought its end, which nobody told.
    else if (!this.#ports.isClient(client)) this.refuse('UNKNOWN_CLIENT');
    else if (this.#ports.isDiskFull()) this.#notice('DISK_FULL');
    else this.#ports.submit({ kind: 'envelope', envelope }, client);
  }

  #read(client: ClientId, { readId, operation, wantsShares }: Read): void {
    const id = this.#registry.registerRead(this, readId, wantsShares === true);
    if (id === null) {
      // Null sends this read through order, which has its own limits.
      this.#ports.drops.add('READS_FULL');
      this.send({ kind: 'readReply', readId, result: null });
      return;
    }
    this.#ports.submit({ kind: 'read', client, readId: id, operation }, client);
  }
}
