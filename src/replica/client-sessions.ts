/**
 * All client streams of this replica, and the way of an answer to the right ones: replies to the client's
 * streams with that session attached, an opened session to all streams of the client, a read's answer to the
 * stream that asked, a feed's events to the one that follows. Bounded per client and in total; holds nothing of the replicated state.
 */
import type { ClientId, SessionId, ViewNumber } from '../base/index.js';
import { encodeServerMessage, type Outcome, type Reply } from '../codec/index.js';
import type { Output } from '../ordering/index.js';
import { ClientStream, type ClientStreamPorts, type ClientStreamRegistry } from './client-stream.js';
import type { ClientPort } from './runtime.js';
import type { FrameReceiver, FrameStream } from './transport/frame-stream.js';

type OutputOf<Kind extends Output['kind']> = Extract<Output, { kind: Kind }>;

interface PendingRead {
  readonly stream: ClientStream;
  readonly readId: number;
}

const streamsPerClientMax = 64;
const streamsMax = 8_192;
const readsPerStreamMax = 1_024;
/** A longer reply is split, to stay well within a frame. */
const replyBytesMax = 2 << 20;

/** Parts of a reply, in order, each of at most `bytesMax` of results unless one result alone is larger. */
export function splitReply(reply: Reply, bytesMax: number): readonly Reply[] {
  const sizeOf = (outcome: Outcome): number => (outcome.kind === 'result' ? outcome.result.length : 0);
  let total = 0;
  for (const outcome of reply.outcomes) total += sizeOf(outcome);
  if (total <= bytesMax) return [reply];
  const parts: Reply[] = [];
  let start = 0;
  let size = 0;
  for (const [i, outcome] of reply.outcomes.entries()) {
    if (i > start && size + sizeOf(outcome) > bytesMax) {
      parts.push({
        ...reply,
        firstNumber: reply.firstNumber + start,
        outcomes: reply.outcomes.slice(start, i),
      });
      start = i;
      size = 0;
    }
    size += sizeOf(outcome);
  }
  parts.push({ ...reply, firstNumber: reply.firstNumber + start, outcomes: reply.outcomes.slice(start) });
  return parts;
}

export class ClientSessions implements ClientPort, ClientStreamRegistry {
  readonly #ports: ClientStreamPorts;
  /** Every open stream, proven or not, by its number. */
  readonly #streams = new Map<number, ClientStream>();
  #lastStream = 0;
  /** The proven ones. Invariant: each is in `#streams`; no empty sets. */
  readonly #byClient = new Map<ClientId, Set<ClientStream>>();
  #provenCount = 0;
  readonly #reads = new Map<number, PendingRead>();
  readonly #readsOf = new Map<ClientStream, number>();
  #lastReadId = 0;
  #touched = new Set<ClientStream>();
  #isFlushScheduled = false;

  constructor(ports: ClientStreamPorts) {
    this.#ports = ports;
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

  reply(output: OutputOf<'reply'>, view: ViewNumber): void {
    const { client, session, firstNumber, outcomes } = output;
    const streams = this.#attached(client, session);
    if (streams.length === 0) return;
    for (const part of splitReply({ kind: 'reply', view, session, firstNumber, outcomes }, replyBytesMax)) {
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

  readReply({ readId, result }: OutputOf<'readReply'>): void {
    const read = this.#reads.get(readId);
    if (read === undefined) return;
    this.#reads.delete(readId);
    this.#readsOf.set(read.stream, (this.#readsOf.get(read.stream) ?? 1) - 1);
    read.stream.send({ kind: 'readReply', readId: read.readId, result });
  }

  feedEvent({ stream, session, number, previous, sequence, data }: OutputOf<'feedEvent'>): void {
    this.#streams.get(stream)?.send({ kind: 'feedEvent', session, number, previous, sequence, data });
  }

  feedTruncated({ stream, session, number, after }: OutputOf<'feedTruncated'>): void {
    this.#streams.get(stream)?.send({ kind: 'feedTruncated', session, number, after });
  }

  clientEnded({ client }: OutputOf<'clientEnded'>): void {
    for (const stream of [...(this.#byClient.get(client) ?? [])]) stream.endClient();
  }

  /** Tells every client that no envelopes are taken, or that they are again. */
  diskChanged(isFull: boolean): void {
    for (const streams of this.#byClient.values())
      for (const stream of [...streams]) stream.diskChanged(isFull);
  }

  flush(): void {
    if (this.#touched.size === 0) return;
    const touched = this.#touched;
    this.#touched = new Set();
    for (const stream of touched) stream.endTurn();
  }

  /** Tells every client and ends its stream; `isHalted`: without anything that was still to be sent. */
  close(isHalted: boolean): void {
    if (!isHalted) this.flush();
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

  registerRead(stream: ClientStream, readId: number): number | null {
    const waiting = this.#readsOf.get(stream) ?? 0;
    if (waiting >= readsPerStreamMax) return null;
    this.#readsOf.set(stream, waiting + 1);
    this.#reads.set(++this.#lastReadId, { stream, readId });
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
