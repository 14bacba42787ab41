/**
 * All client streams of this replica, and the way of an answer to the right ones: replies to the client's
 * streams with that session attached, an opened session to all streams of the client, a read's answer to the
 * stream that asked, a feed's events to the one that follows. Bounded per client and in total; holds nothing of the replicated state.
 */
import type { ClientId, SessionId, ViewNumber } from '../base/index.js';
import { encodeServerMessage, type Reply } from '../codec/index.js';
import type { Output } from '../ordering/index.js';
import { ClientStream, type ClientStreamPorts, type ClientStreamRegistry } from './client-stream.js';
import type { ClientPort } from './runtime.js';
import type { SpareReplies } from './spare-replies.js';
import { replyBytesMax, splitReply } from './split-reply.js';
import type { FrameReceiver, FrameStream } from './transport/frame-stream.js';

type OutputOf<Kind extends Output['kind']> = Extract<Output, { kind: Kind }>;

interface PendingRead {
  readonly stream: ClientStream;
  readonly readId: number;
  readonly wantsShares: boolean;
}

const streamsPerClientMax = 64;
const streamsMax = 8_192;
const readsPerStreamMax = 1_024;
/** How long nobody is let in who has sent a forged envelope over his own stream, and how many are remembered. */
const banishedMs = 60_000;
const banishedMax = 1_024;

export class ClientSessions implements ClientPort, ClientStreamRegistry {
  readonly #ports: ClientStreamPorts;
  readonly #spare: SpareReplies;
  /** Every open stream, proven or not, by its number. */
  readonly #streams = new Map<number, ClientStream>();
  #lastStream = 0;
  /** The proven ones. Invariant: each is in `#streams`; no empty sets. */
  readonly #byClient = new Map<ClientId, Set<ClientStream>>();
  #provenCount = 0;
  readonly #reads = new Map<number, PendingRead>();
  readonly #readsOf = new Map<ClientStream, number>();
  #lastReadId = 0;
  /** Until when, those banished longest ago first. */
  readonly #banished = new Map<ClientId, number>();
  #touched = new Set<ClientStream>();
  #isFlushScheduled = false;

  constructor(ports: ClientStreamPorts, spare: SpareReplies) {
    this.#ports = ports;
    this.#spare = spare;
  }

  /** Streams whose client has proven its key. */
  get connected(): number {
    return this.#provenCount;
  }

  accept(stream: FrameStream): FrameReceiver {
    const clientStream = new ClientStream(++this.#lastStream, stream, this.#ports, this);
    if (this.#streams.size >= streamsMax) clientStream.refuse('TOO_MANY_STREAMS');
    else this.#streams.set(clientStream.number, clientStream);
    return clientStream;
  }

  /** `shares`: one for each outcome. */
  reply(output: OutputOf<'reply'>, view: ViewNumber, shares?: readonly Uint8Array[]): void {
    this.#spare.reply(output, () => this.#tell(output, view, shares), shares !== undefined);
  }

  #tell(output: OutputOf<'reply'>, view: ViewNumber, shares?: readonly Uint8Array[]): void {
    const { client, session, firstNumber, outcomes } = output;
    const streams = this.#attached(client, session);
    if (streams.length === 0) return;
    const added = shares === undefined ? {} : { shares };
    const whole: Reply = { kind: 'reply', view, session, firstNumber, outcomes, ...added };
    for (const part of splitReply(whole, replyBytesMax)) {
      const encoded = encodeServerMessage(part);
      for (const stream of streams) stream.sendEncoded(encoded);
    }
  }

  opened({ client, nonce, session }: OutputOf<'opened'>, view: ViewNumber): void {
    const streams = this.#byClient.get(client);
    if (streams === undefined) return;
    const encoded = encodeServerMessage({ kind: 'opened', view, nonce, session });
    for (const stream of [...streams]) stream.sendEncoded(encoded);
  }

  /** Whether whoever asked this read asked for shares too. */
  wantsShares({ readId }: OutputOf<'readReply'>): boolean {
    return this.#reads.get(readId)?.wantsShares === true;
  }

  readReply({ readId, result }: OutputOf<'readReply'>, shares?: Uint8Array): void {
    const read = this.#reads.get(readId);
    if (read === undefined) return;
    this.#reads.delete(readId);
    this.#readsOf.set(read.stream, (this.#readsOf.get(read.stream) ?? 1) - 1);
    const added = shares === undefined ? {} : { shares };
    read.stream.send({ kind: 'readReply', readId: read.readId, result, ...added });
  }

  feedEvent({ stream, ...event }: OutputOf<'feedEvent'>, shares?: Uint8Array): void {
    this.#streams.get(stream)?.send(shares === undefined ? event : { ...event, shares });
  }

  feedTruncated({ stream, session, number, after }: OutputOf<'feedTruncated'>): void {
    this.#streams.get(stream)?.send({ kind: 'feedTruncated', session, number, after });
  }

  clientEnded({ client }: OutputOf<'clientEnded'>): void {
    this.#spare.releaseAll();
    for (const stream of [...(this.#byClient.get(client) ?? [])]) stream.endClient();
  }

  /** Tells every client that no envelopes are taken, or that they are again. */
  diskChanged(isFull: boolean): void {
    for (const streams of this.#byClient.values())
      for (const stream of [...streams]) stream.diskChanged(isFull);
  }

  flush(): void {
    this.#spare.endTurn();
    if (this.#touched.size === 0) return;
    const touched = this.#touched;
    this.#touched = new Set();
    for (const stream of touched) stream.endTurn();
  }

  /** Tells every client and ends its stream; `isHalted`: without anything that was still to be sent. */
  close(isHalted: boolean): void {
    if (!isHalted) {
      this.#spare.releaseAll();
      this.flush();
    }
    for (const stream of [...this.#streams.values()]) stream.refuse('SHUTTING_DOWN');
  }

  admit(stream: ClientStream, client: ClientId): boolean {
    let streams = this.#byClient.get(client);
    if (streams !== undefined && streams.size >= streamsPerClientMax) return false;
    if (streams === undefined) this.#byClient.set(client, (streams = new Set()));
    streams.add(stream);
    this.#provenCount++;
    return true;
  }

  isBanished(client: ClientId): boolean {
    const untilMs = this.#banished.get(client);
    return untilMs !== undefined && this.#ports.nowMs() < untilMs;
  }

  /** The stream is authenticated: what comes over it and is not, proves the client faulty. */
  banish(client: ClientId): void {
    this.#banished.delete(client);
    this.#banished.set(client, this.#ports.nowMs() + banishedMs);
    if (this.#banished.size > banishedMax) this.#banished.delete([...this.#banished.keys()][0]!);
    for (const stream of [...(this.#byClient.get(client) ?? [])]) stream.refuse('CLIENT_FAULTY');
  }

  registerRead(stream: ClientStream, readId: number, wantsShares: boolean): number | null {
    const waiting = this.#readsOf.get(stream) ?? 0;
    if (waiting >= readsPerStreamMax) return null;
    this.#readsOf.set(stream, waiting + 1);
    this.#reads.set(++this.#lastReadId, { stream, readId, wantsShares });
    return this.#lastReadId;
  }

  touch(stream: ClientStream): void {
    this.#touched.add(stream);
    if (this.#isFlushScheduled) return;
    // For what happens between turns; a turn's own flush comes first and leaves nothing to do.
    this.#isFlushScheduled = true;
    setImmediate(() => {
      this.#isFlushScheduled = false;
      this.flush();
    });
  }

  removed(stream: ClientStream): void {
    this.#streams.delete(stream.number);
    this.#touched.delete(stream);
    if ((this.#readsOf.get(stream) ?? 0) > 0) {
      for (const [id, read] of this.#reads) if (read.stream === stream) this.#reads.delete(id);
    }
    this.#readsOf.delete(stream);
    const { client } = stream;
    const streams = client === null ? undefined : this.#byClient.get(client);
    if (client === null || streams === undefined || !streams.delete(stream)) return;
    this.#provenCount--;
    if (streams.size === 0) this.#byClient.delete(client);
  }

  #attached(client: ClientId, session: SessionId): readonly ClientStream[] {
    const streams = this.#byClient.get(client);
    if (streams === undefined) return [];
    const attached: ClientStream[] = [];
    for (const stream of streams) if (stream.hasSession(session)) attached.push(stream);
    return attached;
  }
}
