/**
 * Replicas in lock step, for unit and paper tests: a queue of messages delivered one by one, a filter that
 * may drop or change them, storage that is durable at once unless held back, one clock for all. Signatures
 * are keyed hashes, so a test can sign for any replica or client.
 */
import { createHash } from 'node:crypto';
import {
  clientId,
  concatBytes,
  digest,
  equalBytes,
  replicaId,
  sessionId,
  type ClientId,
  type ReplicaId,
  type SessionId,
} from '../../src/base/index.js';
import {
  decodePeerMessage,
  encodeEnvelopeBody,
  encodePeerMessage,
  macBytes,
  sealEnvelope,
  sealWithMacs,
  type Envelope,
  type EnvelopeBody,
  type PeerMessage,
} from '../../src/codec/index.js';
import {
  defaultOrderingConfig,
  OrderingReplica,
  type Authenticator,
  type Input,
  type OrderingConfig,
  type Output,
  type SigningPurpose,
  type Start,
} from '../../src/ordering/index.js';
import { Counter } from './counter.js';

export const sha256 = (bytes: Uint8Array) => digest(createHash('sha256').update(bytes).digest('hex'));

function keyedSignature(owner: string, purpose: string, body: Uint8Array): Uint8Array {
  const half = (salt: string) =>
    createHash('sha256').update(`${salt}|${owner}|${purpose}|`).update(body).digest();
  return new Uint8Array(Buffer.concat([half('a'), half('b')]));
}

export const signAs = (replica: number, purpose: SigningPurpose, body: Uint8Array): Uint8Array =>
  keyedSignature(`replica-${replica}`, purpose, body);

export function authenticatorOf(id: ReplicaId): Authenticator {
  return {
    hash: sha256,
    sign: (purpose, body) => signAs(id, purpose, body),
    verify: (replica, purpose, body, signature) => equalBytes(signature, signAs(replica, purpose, body)),
    isAuthentic: ({ body, signedBytes, signature, macs }) => {
      if (signature === null)
        return macs !== null && equalBytes(macOf(macs, id), macFor(body, signedBytes, id));
      const [owner, purpose] =
        body.kind === 'rejoin' ? [`replica-${body.replica}`, 'rejoin'] : [body.client, 'envelope'];
      return equalBytes(signature, keyedSignature(owner, purpose, signedBytes));
    },
    isVerdictCommon: ({ macs }) => macs === null,
  };
}

const macOf = (macs: Uint8Array, replica: number): Uint8Array =>
  macs.subarray(replica * macBytes, (replica + 1) * macBytes);

const macFor = (body: EnvelopeBody, bytes: Uint8Array, replica: number): Uint8Array =>
  keyedSignature(body.kind === 'rejoin' ? '' : body.client, `MAC for ${replica}`, bytes).subarray(
    0,
    macBytes,
  );

/** The same envelope with MACs for `n` replicas; those for `wrongFor` are no good. */
export function withMacs({ body, signedBytes }: Envelope, wrongFor: readonly number[] = [], n = 4): Envelope {
  const macs = Array.from({ length: n }, (_, replica) =>
    wrongFor.includes(replica) ? new Uint8Array(macBytes) : macFor(body, signedBytes, replica),
  );
  return sealWithMacs(body, signedBytes, concatBytes(macs));
}

export function seal(body: EnvelopeBody): Envelope {
  const signedBytes = encodeEnvelopeBody(body);
  const [owner, purpose] =
    body.kind === 'rejoin' ? [`replica-${body.replica}`, 'rejoin'] : [body.client, 'envelope'];
  return sealEnvelope(body, signedBytes, keyedSignature(owner, purpose, signedBytes));
}

export const alice: ClientId = clientId('aa'.repeat(32));
export const bob: ClientId = clientId('bb'.repeat(32));

export const openEnvelope = (client: ClientId, nonce = 1): Envelope =>
  seal({ kind: 'open', client, nonce: new Uint8Array(16).fill(nonce) });

/** Operations of one session; unless told otherwise everything before them has been answered. */
export const requestsEnvelope = (
  client: ClientId,
  session: SessionId,
  firstNumber: number,
  operations: readonly Uint8Array[],
  { lowestUnanswered = firstNumber, finished = [] as readonly number[] } = {},
): Envelope =>
  seal({ kind: 'requests', client, session, firstNumber, lowestUnanswered, operations, finished });

export const addEnvelope = (
  client: ClientId,
  session: SessionId,
  firstNumber: number,
  amounts: readonly number[],
  lowestUnanswered = firstNumber,
): Envelope =>
  requestsEnvelope(
    client,
    session,
    firstNumber,
    amounts.map((amount) => Uint8Array.of(amount)),
    { lowestUnanswered },
  );

export interface InFlight {
  readonly from: ReplicaId;
  readonly to: ReplicaId;
  readonly message: PeerMessage;
}

/** Decides what becomes of a message: deliver it, drop it (null), or deliver another in its place. */
export type Filter = (inFlight: InFlight) => PeerMessage | null;

export interface Node {
  readonly id: ReplicaId;
  replica: OrderingReplica;
  counter: Counter;
  outputs: Output[];
  /** Highest record handed over and not reported as stored while storage is held back. */
  unstored: number;
  isDown: boolean;
}

const pass: Filter = ({ message }) => message;

export class Lockstep {
  readonly config: Omit<OrderingConfig, 'id'>;
  readonly nodes: Node[];
  filter: Filter = pass;
  holdsStorage = false;
  nowMs = 1_000_000;
  private queue: InFlight[] = [];
  private restarts = 0;

  constructor(n = 4, overrides: Partial<OrderingConfig> = {}) {
    this.config = { ...defaultOrderingConfig, ...overrides, n };
    this.nodes = Array.from({ length: n }, (_, index) =>
      this.makeNode(replicaId(index), { kind: 'genesis' }),
    );
    this.tick(0);
  }

  private makeNode(id: ReplicaId, start: Start): Node {
    const counter = new Counter(sha256);
    const config = { ...this.config, id };
    const replica = new OrderingReplica({
      config,
      authenticator: authenticatorOf(id),
      stateMachine: counter,
      start,
    });
    return { id, replica, counter, outputs: [], unstored: 0, isDown: false };
  }

  node(id: number): Node {
    return this.nodes[id]!;
  }

  /** Gives one input to a replica and carries out its outputs. */
  give(id: number, input: Input): void {
    const node = this.node(id);
    if (node.isDown) return;
    for (const output of node.replica.step(input)) this.carryOut(node, output);
    node.replica.validate();
  }

  private carryOut(node: Node, output: Output): void {
    node.outputs.push(output);
    if (output.kind === 'send') this.post(node.id, output.to, output.message);
    if (output.kind === 'broadcast') {
      for (const { id } of this.nodes) if (id !== node.id) this.post(node.id, id, output.message);
    }
    if (output.kind !== 'persist') return;
    node.unstored = output.recordNumber;
    if (!this.holdsStorage) this.give(node.id, { kind: 'stored', recordNumber: output.recordNumber });
  }

  post(from: number, to: number, message: PeerMessage): void {
    this.queue.push({ from: replicaId(from), to: replicaId(to), message });
  }

  store(id: number): void {
    this.give(id, { kind: 'stored', recordNumber: this.node(id).unstored });
  }

  /** Delivers messages, also those that follow, until none is left. Everything crosses the wire encoded. */
  settle(): void {
    for (let budget = 200_000; this.queue.length > 0; budget--) {
      if (budget === 0) throw new Error('the cluster does not settle');
      const inFlight = this.queue.shift()!;
      const message = this.filter(inFlight);
      if (message === null || this.node(inFlight.to).isDown) continue;
      const decoded = decodePeerMessage(encodePeerMessage(message));
      if (decoded === null) throw new Error(`undecodable ${message.kind}`);
      this.give(inFlight.to, { kind: 'message', from: inFlight.from, message: decoded });
    }
  }

  /** Lets `ms` pass in steps of 10 ms, delivering everything in between. */
  tick(ms: number): void {
    for (let passed = 0; passed <= ms; passed += 10) {
      if (passed > 0) this.nowMs += 10;
      for (const { id } of this.nodes) this.give(id, { kind: 'tick', nowMs: this.nowMs });
      this.settle();
    }
  }

  submit(envelope: Envelope, to: readonly number[] = this.nodes.map(({ id }) => id)): void {
    for (const id of to) this.give(id, { kind: 'envelope', envelope });
    this.settle();
  }

  /** Opens a session and returns its id as told by replica `at`. */
  open(client: ClientId, nonce = 1, at = 0): SessionId {
    this.submit(openEnvelope(client, nonce));
    const opened = this.outputs(at, 'opened').at(-1);
    return opened?.session ?? sessionId(0);
  }

  outputs<K extends Output['kind']>(id: number, kind: K): Extract<Output, { kind: K }>[] {
    return this.node(id).outputs.filter(
      (output): output is Extract<Output, { kind: K }> => output.kind === kind,
    );
  }

  sent<K extends PeerMessage['kind']>(id: number, kind: K): Extract<PeerMessage, { kind: K }>[] {
    return this.node(id)
      .outputs.flatMap((output) =>
        output.kind === 'send' || output.kind === 'broadcast' ? [output.message] : [],
      )
      .filter((message): message is Extract<PeerMessage, { kind: K }> => message.kind === kind);
  }

  /** Replaces a replica by one without any memory, which starts as an observer. */
  restart(id: number): void {
    const nonce = new Uint8Array(16);
    new DataView(nonce.buffer).setUint32(0, ++this.restarts);
    this.nodes[id] = this.makeNode(replicaId(id), { kind: 'observer', startedAt: this.nowMs, nonce });
    this.give(id, { kind: 'tick', nowMs: this.nowMs });
  }

  values(): number[] {
    return this.nodes.map(({ counter }) => counter.value);
  }
}
