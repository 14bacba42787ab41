/**
 * Fetches the state of a stable checkpoint from the replicas, node by node (messages.ts: StateNode), and believes none
 * of them: a certificate counts with the signatures of a quorum, a node with the digest that the one above it tells. One
 * replica is asked at a time, the quickest; who stalls, lies or lacks the state is passed over. Meanwhile all others are
 * reminded now and then to keep holding it.
 */
import {
  concatBytes,
  digest,
  groupsRoot,
  leafDigest,
  listed,
  pagesDigest,
  sequenceNumber,
  toHex,
  UnavailableError,
  type Digest,
  type ReplicaId,
} from '../base/index.js';
import {
  nodeBytesMax,
  rootsDigest,
  stateNodesMax,
  type CheckpointCertificate,
  type ClientMessage,
  type SnapshotNodes,
  type StateNode,
  type StateNodeAt,
  type StateNodePart,
} from '../codec/index.js';
import { isCertified, sha256, type ClusterDescription } from '../crypto/index.js';
import { Changes } from './changes.js';

/** The streams to the replicas. */
export interface SnapshotNetwork {
  up(): readonly ReplicaId[];
  /** Leaves at once. */
  send(to: ReplicaId, message: ClientMessage): void;
}

export interface SnapshotSourceOptions {
  readonly cluster: Pick<ClusterDescription, 'clusterId' | 'replicas'>;
  readonly network: SnapshotNetwork;
  /** Without progress for so long it is given up. */
  readonly timeoutMs: number;
  /** An answer that has not come by then is asked of another; 2,000 unless a test says otherwise. */
  readonly stallMs?: number;
}

export interface StatePage {
  readonly section: 0 | 1;
  readonly number: number;
  readonly bytes: Uint8Array;
}

/** Nobody holds the state any more: a newer one has to be aimed at. */
export class StateGoneError extends Error {}

/** A node, and what it has to hash to. */
interface Wanted extends StateNode {
  readonly digest: Digest;
}

/** A node of which one replica has given the first parts. */
interface Begun {
  readonly from: ReplicaId;
  readonly parts: Uint8Array[];
  bytes: number;
}

const reminderMs = 1_000;
/** A node may be cut into parts of this size, not into smaller ones. */
const partBytesMin = 64 << 10;
const digestBytes = 32;
const rootsNode = { level: 'roots', section: 0, number: 0, offset: 0 } as const;

const digestOf = ({ level, number }: StateNode, bytes: Uint8Array): Digest => {
  if (level === 'roots') return rootsDigest(sha256, bytes);
  if (level === 'groups') return groupsRoot(sha256, bytes);
  return level === 'pages' ? pagesDigest(sha256, bytes) : leafDigest(sha256, number, bytes);
};

interface Donor {
  /** Of its last answer. */
  tookMs: number;
  isGone: boolean;
}

export class SnapshotSource {
  readonly #options: SnapshotSourceOptions;
  readonly #stallMs: number;
  readonly #changes = new Changes();
  readonly #donors = new Map<ReplicaId, Donor>();
  /** Those that sent what was not certified: never asked again. */
  readonly liars = new Set<ReplicaId>();
  readonly #answers = new Map<number, Map<ReplicaId, SnapshotNodes>>();
  #lastRequest = 0;

  constructor(options: SnapshotSourceOptions) {
    this.#options = options;
    this.#stallMs = options.stallMs ?? 2_000;
  }

  /** Streams came or went. */
  changed(): void {
    this.#changes.notify();
  }

  /** From replica `from`. */
  take(from: ReplicaId, answer: SnapshotNodes): void {
    const answers = this.#answers.get(answer.requestId);
    if (answers === undefined || answers.has(from)) return;
    answers.set(from, answer);
    this.#changes.notify();
  }

  /** The newest certificate that anybody shows; null: there is none yet, or nobody has answered. */
  async newest(): Promise<CheckpointCertificate | null> {
    const asked = this.#usable();
    const requestId = this.#ask(asked, sequenceNumber(0), [rootsNode]);
    const answers = this.#answers.get(requestId)!;
    await this.#changes.until(() => answers.size >= asked.length, this.#stallMs);
    this.#answers.delete(requestId);
    let newest: CheckpointCertificate | null = null;
    for (const [replica, { certificate }] of answers) {
      if (certificate.sequenceNumber <= (newest?.sequenceNumber ?? 0)) continue;
      if (this.#isValid(replica, certificate)) newest = certificate;
    }
    return newest;
  }

  /** @throws StateGoneError; UnavailableError SNAPSHOT_INTERRUPTED. */
  async header(certificate: CheckpointCertificate): Promise<Uint8Array | null> {
    this.#donors.clear();
    for await (const { section, number, bytes } of this.#pages(certificate, 1))
      if (section === 0 && number === 0) return bytes;
    return null;
  }

  /** Every page of the state, ascending by section and number. @throws as `header`. */
  async *pages(certificate: CheckpointCertificate): AsyncIterable<StatePage> {
    this.#donors.clear();
    const remind = (): void => {
      for (const to of this.#usable()) this.#send(to, 0, certificate.sequenceNumber, [rootsNode]);
    };
    const timer = setInterval(remind, reminderMs);
    try {
      remind();
      yield* this.#pages(certificate, 2);
    } finally {
      clearInterval(timer);
    }
  }

  async *#pages(certificate: CheckpointCertificate, sectionCount: 1 | 2): AsyncIterable<StatePage> {
    const { stateDigest } = certificate;
    const at = { section: 0, number: 0 } as const;
    const roots = await this.#one(certificate, { ...at, level: 'roots', digest: stateDigest });
    for (const section of [0, 1] as const) {
      if (section >= sectionCount) return;
      const root = digest(toHex(roots.subarray(section * digestBytes, (section + 1) * digestBytes)));
      const groups = await this.#one(certificate, { level: 'groups', section, number: 0, digest: root });
      for (const group of listed(groups)) {
        const list = await this.#one(certificate, { ...group, level: 'pages', section });
        const wanted = [...listed(list)].map((page) => ({ ...page, level: 'page', section }) as const);
        for await (const [{ number }, bytes] of this.#nodes(certificate, wanted))
          yield { section, number, bytes };
      }
    }
  }

  async #one(certificate: CheckpointCertificate, wanted: Wanted): Promise<Uint8Array> {
    for await (const [, bytes] of this.#nodes(certificate, [wanted])) return bytes;
    throw new StateGoneError();
  }

  /** Each as soon as it is whole and right, in their order. */
  async *#nodes(
    certificate: CheckpointCertificate,
    wanted: readonly Wanted[],
  ): AsyncIterable<readonly [Wanted, Uint8Array]> {
    let next = 0;
    let begun: Begun | null = null;
    while (next < wanted.length) {
      const offset: number = begun?.bytes ?? 0;
      const nodes = wanted.slice(next, next + stateNodesMax);
      const { from, answer } = await this.#answer(certificate, nodes, offset, begun?.from ?? null);
      if (begun?.from !== from) begun = null;
      // What one replica has begun is asked of another from the start.
      if (begun === null && offset > 0) continue;
      for (const part of answer.parts) {
        const rest: Begun = begun ?? { from, parts: [], bytes: 0 };
        begun = null;
        const node = wanted[next];
        const bytes = node === undefined ? 'wrong' : takePart(node, part, rest);
        if (bytes === 'wrong') {
          this.liars.add(from);
          break;
        }
        if (bytes === null) {
          begun = rest;
          break;
        }
        next += 1;
        yield [node!, bytes];
      }
    }
  }

  /** From whoever answers first, beginning with `preferred`, else with the quickest. */
  async #answer(
    certificate: CheckpointCertificate,
    nodes: readonly Wanted[],
    offset: number,
    preferred: ReplicaId | null,
  ): Promise<{ readonly from: ReplicaId; readonly answer: SnapshotNodes }> {
    const startMs = performance.now();
    const asked = nodes.map(({ level, section, number }, index) => {
      return { level, section, number, offset: index === 0 ? offset : 0 };
    });
    for (;;) {
      const from = this.#pick(preferred);
      preferred = null;
      const leftMs = startMs + this.#options.timeoutMs - performance.now();
      if (leftMs <= 0) throw this.#interrupted();
      if (from === null) {
        // Streams come up again, unless all who are there have said that it is gone.
        if (this.#isGone()) throw new StateGoneError();
        await this.#changes.until(() => this.#pick(null) !== null, Math.min(leftMs, this.#stallMs));
        continue;
      }
      const askedMs = performance.now();
      const requestId = this.#ask([from], certificate.sequenceNumber, asked);
      const answers = this.#answers.get(requestId)!;
      await this.#changes.until(() => answers.size > 0 || !this.#isUp(from), Math.min(leftMs, this.#stallMs));
      this.#answers.delete(requestId);
      const answer = answers.get(from);
      const donor = this.#donor(from);
      donor.tookMs = answer === undefined ? Infinity : performance.now() - askedMs;
      if (answer === undefined) continue;
      if (answer.certificate.stateDigest === certificate.stateDigest && answer.parts.length > 0)
        return { from, answer };
      donor.isGone = true;
    }
  }

  #isValid(from: ReplicaId, certificate: CheckpointCertificate): boolean {
    const isValid = isCertified(this.#options.cluster, certificate);
    if (!isValid) this.liars.add(from);
    return isValid;
  }

  #donor(replica: ReplicaId): Donor {
    let donor = this.#donors.get(replica);
    if (donor === undefined) this.#donors.set(replica, (donor = { tookMs: 0, isGone: false }));
    return donor;
  }

  #isUp(replica: ReplicaId): boolean {
    return this.#options.network.up().includes(replica);
  }

  #usable(): readonly ReplicaId[] {
    return this.#options.network.up().filter((replica) => !this.liars.has(replica));
  }

  #isGone(): boolean {
    return [...this.#donors.values()].some(({ isGone }) => isGone) && this.#usable().length > 0;
  }

  #pick(preferred: ReplicaId | null): ReplicaId | null {
    let quickest: ReplicaId | null = null;
    for (const replica of this.#usable()) {
      const { isGone, tookMs } = this.#donor(replica);
      if (isGone) continue;
      if (replica === preferred) return replica;
      if (quickest === null || tookMs < this.#donor(quickest).tookMs) quickest = replica;
    }
    return quickest;
  }

  #interrupted(): UnavailableError {
    const { timeoutMs } = this.#options;
    return new UnavailableError(
      'SNAPSHOT_INTERRUPTED',
      `no replica gave any more of its state within ${timeoutMs} ms. See \`theodora status\`, and try again.`,
    );
  }

  #ask(
    to: readonly ReplicaId[],
    number: CheckpointCertificate['sequenceNumber'],
    nodes: readonly StateNodeAt[],
  ): number {
    const requestId = ++this.#lastRequest;
    this.#answers.set(requestId, new Map());
    for (const each of to) this.#send(each, requestId, number, nodes);
    return requestId;
  }

  #send(
    to: ReplicaId,
    requestId: number,
    number: CheckpointCertificate['sequenceNumber'],
    nodes: readonly StateNodeAt[],
  ): void {
    this.#options.network.send(to, { kind: 'fetchSnapshot', requestId, sequenceNumber: number, nodes });
  }
}

/** The node if it is whole and right; null: there is more to come. */
function takePart(node: Wanted, part: StateNodePart, begun: Begun): Uint8Array | 'wrong' | null {
  const isSame = part.level === node.level && part.section === node.section && part.number === node.number;
  const { offset, totalBytes, data } = part;
  // Not byte by byte, which would take for ever.
  const isWorthwhile = data.length >= Math.min(partBytesMin, totalBytes - offset);
  if (!isSame || offset !== begun.bytes || totalBytes > nodeBytesMax[node.level] || !isWorthwhile)
    return 'wrong';
  begun.parts.push(data);
  begun.bytes += data.length;
  if (begun.bytes < totalBytes) return null;
  const bytes = concatBytes(begun.parts);
  return digestOf(node, bytes) === node.digest ? bytes : 'wrong';
}
