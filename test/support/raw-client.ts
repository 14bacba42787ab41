/** A client's stream to one replica by hand: frames and messages without the client library. */
import { createSecureContext } from 'node:tls';
import { Client, credentials, type ClientDuplexStream } from '@grpc/grpc-js';
import { sessionId, type ReplicaId, type SessionId } from '../../src/base/index.js';
import {
  decodeServerFrame,
  decodeServerMessage,
  encodeClientFrame,
  encodeClientMessage,
  type ClientMessage,
  type ServerMessage,
} from '../../src/codec/index.js';
import { signHello, type ClusterDescription, type IdentityKey } from '../../src/crypto/index.js';
import type { TlsMaterial } from '../../src/replica/transport/dial.js';
import { clientSessionPath, sameBuffer } from '../../src/replica/transport/wire.js';

type Kind = ServerMessage['kind'];
type MessageOf<K extends Kind> = Extract<ServerMessage, { kind: K }>;

export class RawClient {
  readonly stream: ClientDuplexStream<Buffer, Buffer>;
  /** Resolves to the code of the status that ended the stream. */
  readonly ended: Promise<number>;
  readonly #client: Client;
  #unread: ServerMessage[] = [];
  #waiting: { kind: Kind; resolve: (message: ServerMessage) => void }[] = [];

  constructor(address: string, tls: TlsMaterial, path = clientSessionPath) {
    const context = createSecureContext({
      ca: tls.certificateAuthority,
      key: tls.key,
      cert: tls.certificate,
      minVersion: 'TLSv1.3',
    });
    this.#client = new Client(
      address,
      credentials.createFromSecureContext(context, { checkServerIdentity: () => undefined }),
      { 'grpc.use_local_subchannel_pool': 1, 'grpc.ssl_target_name_override': 'replica.test' },
    );
    this.stream = this.#client.makeBidiStreamRequest(path, sameBuffer, sameBuffer);
    this.stream.on('error', () => undefined);
    this.stream.on('data', (frame: Buffer) => this.#onFrame(frame));
    this.ended = new Promise((resolve) => {
      this.stream.on('status', ({ code }: { code: number }) => resolve(code));
    });
  }

  /** The next message of this kind, in order of arrival among its kind. */
  next<K extends Kind>(kind: K): Promise<MessageOf<K>> {
    const index = this.#unread.findIndex((message) => message.kind === kind);
    if (index >= 0) return Promise.resolve(this.#unread.splice(index, 1)[0] as MessageOf<K>);
    return new Promise((resolve) => {
      this.#waiting.push({ kind, resolve: resolve as (message: ServerMessage) => void });
    });
  }

  send(...messages: ClientMessage[]): void {
    this.sendBytes(encodeClientFrame(messages.map(encodeClientMessage)));
  }

  sendBytes(bytes: Uint8Array): void {
    this.stream.write(Buffer.from(bytes));
  }

  /** Answers the challenge; resolves when welcomed. */
  async hello(
    cluster: ClusterDescription,
    replica: ReplicaId,
    key: IdentityKey,
    session: SessionId = sessionId(0),
  ): Promise<MessageOf<'welcome'>> {
    const { nonce } = await this.next('challenge');
    const certificateFingerprint = Buffer.from(cluster.replicas[replica]!.tlsFingerprint, 'hex');
    const context = { clusterId: cluster.clusterId, replica, certificateFingerprint, nonce };
    this.send(signHello(context, session, key));
    return this.next('welcome');
  }

  close(): void {
    this.stream.cancel();
    this.#client.close();
  }

  #onFrame(frame: Buffer): void {
    for (const encoded of decodeServerFrame(frame) ?? []) {
      const message = decodeServerMessage(encoded);
      if (message === null) throw new Error('a replica sent a malformed message');
      const index = this.#waiting.findIndex(({ kind }) => kind === message.kind);
      if (index < 0) this.#unread.push(message);
      else this.#waiting.splice(index, 1)[0]!.resolve(message);
    }
  }
}
