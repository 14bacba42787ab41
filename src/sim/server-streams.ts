/**
 * The client streams of one simulated replica: who is connected, which sessions' replies each stream wants,
 * and which stream asked for a fast read. Routing only; authentication of a stream is taken as done.
 */
import type { ClientId, SessionId } from '../base/index.js';
import type { Read, ServerMessage } from '../codec/index.js';
import type { Output, ReplicaStatus } from '../ordering/index.js';
import { replyBytesMax, splitReply } from '../replica/index.js';

interface ServerStream {
  /** As the replica knows it; never used again. */
  readonly id: number;
  readonly client: ClientId;
  readonly sessions: Set<SessionId>;
}

interface PendingRead {
  readonly node: number;
  readonly readId: number;
  readonly wantsShares: boolean;
}

export type ClientOutput = Extract<
  Output,
  { kind: 'reply' | 'opened' | 'readReply' | 'feedEvent' | 'feedTruncated' }
>;

export class ServerStreams {
  /** By client node. */
  readonly #streams = new Map<number, ServerStream>();
  /** Fast reads asked and not answered, under numbers of our own: two processes may share an identity. */
  readonly #reads = new Map<number, PendingRead>();
  #lastRead = 0;
  #lastStream = 0;

  open(node: number, client: ClientId): void {
    this.close(node);
    this.#streams.set(node, { id: ++this.#lastStream, client, sessions: new Set() });
  }

  idOf(node: number): number | undefined {
    return this.#streams.get(node)?.id;
  }

  close(node: number): void {
    this.#streams.delete(node);
    for (const [id, read] of this.#reads) if (read.node === node) this.#reads.delete(id);
  }

  isOpen(node: number): boolean {
    return this.#streams.has(node);
  }

  nodes(): number[] {
    return [...this.#streams.keys()];
  }

  clientOf(node: number): ClientId | undefined {
    return this.#streams.get(node)?.client;
  }

  /** Whether the session is new to the stream. */
  attach(node: number, session: SessionId): boolean {
    const sessions = this.#streams.get(node)?.sessions;
    if (sessions === undefined || sessions.has(session)) return false;
    sessions.add(session);
    return true;
  }

  /** Number under which the replica is asked this read. */
  read(node: number, { readId, wantsShares }: Read): number {
    this.#reads.set(++this.#lastRead, { node, readId, wantsShares: wantsShares === true });
    return this.#lastRead;
  }

  /** Whether shares go with it; asked before it is routed. */
  wantsShares(output: ClientOutput): boolean {
    return output.kind !== 'readReply' || this.#reads.get(output.readId)?.wantsShares === true;
  }

  /** The messages that an output becomes, by client node. */
  route(output: ClientOutput, status: ReplicaStatus): { node: number; message: ServerMessage }[] {
    const view = status.view;
    switch (output.kind) {
      case 'reply': {
        const { session, firstNumber, outcomes } = output;
        const isWanted = ({ client, sessions }: ServerStream): boolean =>
          client === output.client && sessions.has(session);
        const parts = splitReply({ kind: 'reply', view, session, firstNumber, outcomes }, replyBytesMax);
        return parts.flatMap((part) => this.#to(isWanted, part));
      }
      case 'opened': {
        const message: ServerMessage = { kind: 'opened', view, nonce: output.nonce, session: output.session };
        return this.#to((stream) => stream.client === output.client, message);
      }
      case 'feedEvent':
      case 'feedTruncated': {
        const { stream: id, ...message } = output;
        const node = this.nodes().find((one) => this.idOf(one) === id);
        return node === undefined ? [] : [{ node, message }];
      }
      case 'readReply': {
        const read = this.#reads.get(output.readId);
        if (read === undefined) return [];
        this.#reads.delete(output.readId);
        return [
          { node: read.node, message: { kind: 'readReply', readId: read.readId, result: output.result } },
        ];
      }
    }
  }

  #to(
    wants: (stream: ServerStream) => boolean,
    message: ServerMessage,
  ): { node: number; message: ServerMessage }[] {
    const routed: { node: number; message: ServerMessage }[] = [];
    for (const [node, stream] of this.#streams) if (wants(stream)) routed.push({ node, message });
    return routed;
  }
}
