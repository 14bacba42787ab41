/**
 * Reads the file of a snapshot (snapshot-file.ts) and believes nothing of it: sums, structure, the cluster, the
 * signatures of a quorum and the digest of all pages are checked before anything is given out.
 */
import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { equalBytes, InvalidInputError, PageTree, toHex, type PageSnapshot } from '../base/index.js';
import {
  decodePeerMessage,
  nodeBytesMax,
  stateDigestOf,
  type CheckpointCertificate,
} from '../codec/index.js';
import { isCertified, sha256, type ClusterDescription } from '../crypto/index.js';
import {
  clusterIdBytes,
  endBytes,
  pageHeadBytes,
  snapshotMagic,
  snapshotVersion,
  sumBytes,
} from './snapshot-file.js';

/** A state that a quorum of the cluster's replicas has signed. */
export interface Snapshot {
  readonly certificate: CheckpointCertificate;
  readonly ordering: PageSnapshot;
  readonly application: PageSnapshot;
  /** Of the file. */
  readonly sizeBytes: number;
}

const headBytesMax = 64 << 10;
const windowBytes = 1 << 20;

/** Thrown while reading; becomes SNAPSHOT_DAMAGED. */
class Damage extends Error {}

/** The file from its beginning to its end, once, with its sum. */
class Source {
  readonly #file: FileHandle;
  readonly sizeBytes: number;
  readonly #hash = createHash('sha256');
  #window = Buffer.alloc(0);
  #windowAt = 0;
  at = 0;

  constructor(file: FileHandle, sizeBytes: number) {
    this.#file = file;
    this.sizeBytes = sizeBytes;
  }

  /** A copy of the next bytes. */
  async take(length: number): Promise<Buffer> {
    if (this.at + length > this.sizeBytes) throw new Damage('it ends too early');
    const offset = this.at - this.#windowAt;
    if (offset + length > this.#window.length) await this.#fill(Math.max(length, windowBytes));
    const start = this.at - this.#windowAt;
    const bytes = Buffer.from(this.#window.subarray(start, start + length));
    if (bytes.length < length) throw new Damage('it ends too early');
    this.#hash.update(bytes);
    this.at += length;
    return bytes;
  }

  /** The sum of all that was taken comes next. */
  async sum(): Promise<void> {
    const expected = this.#hash.copy().digest();
    if (!(await this.take(sumBytes)).equals(expected)) throw new Damage('its checksum is wrong');
  }

  async #fill(length: number): Promise<void> {
    const window = Buffer.allocUnsafe(Math.min(length, this.sizeBytes - this.at));
    let filled = 0;
    while (filled < window.length) {
      const { bytesRead } = await this.#file.read(window, filled, window.length - filled, this.at + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    this.#window = window.subarray(0, filled);
    this.#windowAt = this.at;
  }
}

interface Head {
  readonly clusterId: string;
  readonly certificate: CheckpointCertificate;
}

async function readHead(source: Source, path: string): Promise<Head> {
  const magic = await source.take(snapshotMagic.length);
  if (!equalBytes(magic, snapshotMagic)) throw new Damage('it does not begin as a snapshot does');
  const version = (await source.take(4)).readUInt32BE();
  const length = (await source.take(4)).readUInt32BE();
  if (version !== snapshotVersion) {
    throw new InvalidInputError(
      'SNAPSHOT_VERSION_UNKNOWN',
      `${path}: in format ${version}, this release reads ${snapshotVersion}. Use the release that wrote it, or another copy if it is damaged.`,
      { path, version },
    );
  }
  if (length < clusterIdBytes || length > headBytesMax) throw new Damage('its head is damaged');
  const head = await source.take(length);
  await source.sum();
  const body = Uint8Array.from(head.subarray(clusterIdBytes));
  const message = decodePeerMessage(body);
  if (message?.kind !== 'stableCheckpoint') throw new Damage('it holds no certificate');
  return { clusterId: toHex(head.subarray(0, clusterIdBytes)), certificate: message.certificate };
}

type Trees = readonly [PageTree, PageTree];

/** Every page, up to the end of the file. */
async function readPages(source: Source): Promise<Trees> {
  const trees: Trees = [new PageTree(sha256), new PageTree(sha256)];
  const counts = [0, 0];
  let last = { section: 0, number: -1 };
  for (;;) {
    const kind = (await source.take(1))[0]!;
    if (kind === 0) break;
    const section = kind === 1 ? 0 : 1;
    const head = await source.take(pageHeadBytes - 1);
    const number = Number(head.readBigUInt64BE());
    const length = head.readUInt32BE(8);
    const isNext = section > last.section || (section === last.section && number > last.number);
    if (kind > 2 || !isNext || !Number.isSafeInteger(number) || length > nodeBytesMax.page)
      throw new Damage('a page is damaged');
    last = { section, number };
    counts[section]! += 1;
    trees[section].put(number, plainBytes(await source.take(length)));
  }
  const end = await source.take(endBytes - 1);
  await source.sum();
  const told = [0, 8].map((offset) => Number(end.readBigUInt64BE(offset)));
  if (told[0] !== counts[0] || told[1] !== counts[1]) throw new Damage('pages are missing');
  if (source.at !== source.sizeBytes) throw new Damage('something follows after its end');
  return trees;
}

const plainBytes = (bytes: Buffer): Uint8Array =>
  new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);

function checkCluster({ clusterId, certificate }: Head, cluster: ClusterDescription, path: string): void {
  if (clusterId !== cluster.clusterId) {
    throw new InvalidInputError(
      'SNAPSHOT_FOREIGN',
      `${path}: a snapshot of cluster ${clusterId}, not of ${cluster.clusterId}. Name the cluster file that belongs to it with --cluster, or the right snapshot.`,
      { path, clusterId },
    );
  }
  if (isCertified(cluster, certificate)) return;
  throw new InvalidInputError(
    'SNAPSHOT_NOT_CERTIFIED',
    `${path}: no quorum of the replicas in the cluster file has signed this state, so it may be forged. Use another copy, and the cluster file that was never changed.`,
    { path },
  );
}

async function read(source: Source, path: string, cluster: ClusterDescription): Promise<Snapshot> {
  const head = await readHead(source, path);
  checkCluster(head, cluster, path);
  const [ordering, application] = (await readPages(source)).map((tree) => tree.snapshot());
  const { certificate } = head;
  if (stateDigestOf(sha256, ordering!.root, application!.root) !== certificate.stateDigest)
    throw new Damage('its pages are not those that were certified');
  return { certificate, ordering: ordering!, application: application!, sizeBytes: source.sizeBytes };
}

/**
 * @throws InvalidInputError SNAPSHOT_DAMAGED, SNAPSHOT_VERSION_UNKNOWN, SNAPSHOT_FOREIGN, SNAPSHOT_NOT_CERTIFIED; the
 * file system's errors.
 */
export async function readSnapshot(path: string, cluster: ClusterDescription): Promise<Snapshot> {
  const file = await open(path, 'r');
  try {
    const source = new Source(file, (await file.stat()).size);
    try {
      return await read(source, path, cluster);
    } catch (error) {
      if (!(error instanceof Damage)) throw error;
      throw new InvalidInputError(
        'SNAPSHOT_DAMAGED',
        `${path}: no intact snapshot: ${error.message} (near offset ${source.at}). Use another copy, or save a new one.`,
        { path, offset: source.at },
        error,
      );
    }
  } finally {
    await file.close();
  }
}
