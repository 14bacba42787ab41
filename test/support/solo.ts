/**
 * One replica under test; the test plays all the others. Storage is durable at once unless held back, and
 * what goes in and out crosses the wire encoded. The counter of counter.ts is the application.
 */
import { replicaId, sessionId, type ClientId, type Digest, type SessionId } from '../../src/base/index.js';
import {
  decodePeerMessage,
  encodePeerMessage,
  type CheckpointCertificate,
  type Envelope,
  type PeerMessage,
} from '../../src/codec/index.js';
import {
  defaultOrderingConfig,
  OrderingReplica,
  quorumSize,
  type Input,
  type OrderingConfig,
  type Output,
  type ReplicaStatus,
  type Start,
} from '../../src/ordering/index.js';
import { Counter } from './counter.js';
import { authenticatorOf, openEnvelope, sha256 } from './lockstep.js';
import { batchOf, certificate, commit, prepare, prePrepare, type TestBatch } from './messages.js';

export interface SoloOptions {
  readonly id?: number;
  readonly n?: number;
  readonly config?: Partial<OrderingConfig>;
  readonly start?: Start;
  readonly counter?: Counter;
  /** Whether the outputs of the first tick are looked at. */
  readonly keepsFirst?: boolean;
}

export class Solo {
  readonly id: number;
  readonly n: number;
  readonly replica: OrderingReplica;
  readonly counter: Counter;
  /** State digest before anything was executed. */
  readonly genesis: CheckpointCertificate;
  outputs: Output[] = [];
  holdsStorage = false;
  nowMs = 1_000_000;
  lastRecord = 0;

  constructor(options: SoloOptions = {}) {
    this.id = options.id ?? 1;
    this.n = options.n ?? 4;
    this.counter = options.counter ?? new Counter(sha256);
    const id = replicaId(this.id);
    this.replica = new OrderingReplica({
      config: { ...defaultOrderingConfig, ...options.config, id, n: this.n },
      authenticator: authenticatorOf(id),
      stateMachine: this.counter,
      start: options.start ?? { kind: 'genesis' },
    });
    this.genesis = certificate(0, this.replica.stateDigest(), []);
    this.tick(0);
    if (options.keepsFirst !== true) this.clear();
  }

  give(input: Input): void {
    const outputs = this.replica.step(input);
    this.replica.validate();
    this.outputs.push(...outputs);
    const records = outputs.filter((output) => output.kind === 'persist');
    this.lastRecord = records.at(-1)?.recordNumber ?? this.lastRecord;
    if (records.some(({ isLazy }) => !isLazy) && !this.holdsStorage) this.store();
  }

  /** Reports everything handed over so far as durable. */
  store(): void {
    this.give({ kind: 'stored', recordNumber: this.lastRecord });
  }

  message(from: number, message: PeerMessage): void {
    const decoded = decodePeerMessage(encodePeerMessage(message));
    if (decoded === null) throw new Error(`undecodable ${message.kind}`);
    this.give({ kind: 'message', from: replicaId(from), message: decoded });
  }

  /** The same message from several replicas. */
  messages(from: readonly number[], message: PeerMessage): void {
    for (const replica of from) this.message(replica, message);
  }

  submit(envelope: Envelope): void {
    this.give({ kind: 'envelope', envelope });
  }

  tick(ms: number): void {
    if (ms === 0) this.give({ kind: 'tick', nowMs: this.nowMs });
    for (let passed = 0; passed < ms; passed += 10) {
      this.nowMs += 10;
      this.give({ kind: 'tick', nowMs: this.nowMs });
    }
  }

  /** Time passes at once, without ticks in between. */
  jump(ms: number): void {
    this.nowMs += ms;
    this.tick(0);
  }

  get status(): ReplicaStatus {
    return this.replica.status();
  }

  others(): number[] {
    return Array.from({ length: this.n }, (_, index) => index).filter((id) => id !== this.id);
  }

  /** A quorum of other replicas, lowest ids first. */
  quorumOfOthers(): number[] {
    return this.others().slice(0, quorumSize(this.n));
  }

  /** Has the batch proposed, prepared and committed by the others. */
  order(number: number, batch: TestBatch, view = 0): void {
    const primary = view % this.n;
    if (primary !== this.id) this.message(primary, prePrepare(view, number, batch));
    this.messages(this.quorumOfOthers(), prepare(view, number, batch.digest));
    this.messages(this.quorumOfOthers(), commit(view, number, batch.digest));
  }

  /** Has an OPEN ordered at this number; returns the session. */
  open(client: ClientId, number: number, nonce = 1): SessionId {
    this.order(number, batchOf(this.nowMs, openEnvelope(client, nonce)));
    return this.of('opened').at(-1)?.session ?? sessionId(0);
  }

  /** Commits empty batches from `first` to `last`; they need no acceptance, for a quorum committed them. */
  fill(first: number, last: number): void {
    for (let number = first; number <= last; number++) {
      const batch = batchOf(this.nowMs);
      const [donor] = this.quorumOfOthers();
      this.messages(this.quorumOfOthers(), commit(0, number, batch.digest));
      this.message(donor!, { kind: 'batchBody', batch: batch.bytes });
    }
  }

  of<K extends Output['kind']>(kind: K): Extract<Output, { kind: K }>[] {
    return this.outputs.filter((output): output is Extract<Output, { kind: K }> => output.kind === kind);
  }

  sent<K extends PeerMessage['kind']>(kind: K): Extract<PeerMessage, { kind: K }>[] {
    return this.outputs
      .flatMap((output) => (output.kind === 'send' || output.kind === 'broadcast' ? [output.message] : []))
      .filter((message): message is Extract<PeerMessage, { kind: K }> => message.kind === kind);
  }

  /** Codes of `evidence` so far. */
  evidence(): string[] {
    return this.of('evidence').map(({ code }) => code);
  }

  clear(): void {
    this.outputs = [];
  }

  stateDigest(): Digest {
    return this.replica.stateDigest();
  }
}
