/**
 * The file of a snapshot: the state of one checkpoint, page by page, with the certificate that vouches for it.
 *
 *   magic 8 · version 4 · head length 4 · head · SHA-256 of all that 32
 *   for each page: section + 1 (1 byte) · number 8 · length 4 · bytes; ascending by section and number
 *   0 (1 byte) · pages of either section 8 + 8 · SHA-256 of the whole file so far 32
 *
 * Head: cluster id 16, then the certificate as in messages between replicas. Integers are big-endian. The sums find
 * damage; what the state is believed for is the certificate alone. Written beside its place and renamed when it is
 * durable, so that there is never half a file.
 */
import { createHash, type Hash } from 'node:crypto';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fromHex } from '../base/index.js';
import { encodePeerMessage, type CheckpointCertificate } from '../codec/index.js';

export const snapshotMagic = Uint8Array.from(Buffer.from('theosnap'));
export const snapshotVersion = 1;
export const clusterIdBytes = 16;
export const sumBytes = 32;
export const pageHeadBytes = 1 + 8 + 4;
export const endBytes = 1 + 8 + 8;

/** Written at once. */
const bufferedBytesMax = 1 << 20;

function numberBytes(value: number): Buffer {
  const out = Buffer.alloc(8);
  out.writeBigUInt64BE(BigInt(value));
  return out;
}

function lengthBytes(value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(value);
  return out;
}

export class SnapshotWriter {
  readonly #path: string;
  readonly #draft: string;
  readonly #file: FileHandle;
  #hash: Hash = createHash('sha256');
  #buffered: Uint8Array[] = [];
  #bufferedBytes = 0;
  #counts: [number, number] = [0, 0];
  #sizeBytes = 0;

  private constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#draft = draftOf(path);
    this.#file = file;
  }

  /** Rejects with the file system's errors. */
  static async create(path: string): Promise<SnapshotWriter> {
    const file = await open(draftOf(path), 'w', 0o600);
    // One that was left behind may have been somebody else's.
    await file.chmod(0o600);
    return new SnapshotWriter(path, file);
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get pageCount(): number {
    return this.#counts[0] + this.#counts[1];
  }

  /** Begins the file, or begins it anew. */
  async begin(clusterId: string, certificate: CheckpointCertificate): Promise<void> {
    await this.#file.truncate(0);
    this.#hash = createHash('sha256');
    this.#buffered = [];
    this.#bufferedBytes = this.#sizeBytes = 0;
    this.#counts = [0, 0];
    const body = encodePeerMessage({ kind: 'stableCheckpoint', certificate });
    const headBytes = clusterIdBytes + body.length;
    await this.#put(snapshotMagic, lengthBytes(snapshotVersion), lengthBytes(headBytes));
    await this.#put(fromHex(clusterId)!, body);
    await this.#put(this.#hash.copy().digest());
  }

  async page(section: 0 | 1, number: number, bytes: Uint8Array): Promise<void> {
    this.#counts[section] += 1;
    await this.#put(Uint8Array.of(section + 1), numberBytes(number), lengthBytes(bytes.length), bytes);
  }

  /** Makes the file durable and gives it its name. */
  async finish(): Promise<void> {
    await this.#put(Uint8Array.of(0), numberBytes(this.#counts[0]), numberBytes(this.#counts[1]));
    await this.#put(this.#hash.copy().digest());
    await this.#flush();
    await this.#file.sync();
    await this.#file.close();
    await rename(this.#draft, this.#path);
    const directory = await open(dirname(this.#path), 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }

  /** Leaves nothing behind; what was there before under that name stays. */
  async abandon(): Promise<void> {
    await this.#file.close();
    await rm(this.#draft, { force: true });
  }

  async #put(...parts: readonly Uint8Array[]): Promise<void> {
    for (const part of parts) {
      this.#hash.update(part);
      this.#buffered.push(part);
      this.#bufferedBytes += part.length;
      this.#sizeBytes += part.length;
    }
    if (this.#bufferedBytes >= bufferedBytesMax) await this.#flush();
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.concat(this.#buffered);
    const position = this.#sizeBytes - bytes.length;
    this.#buffered = [];
    this.#bufferedBytes = 0;
    for (let written = 0; written < bytes.length;) {
      const { bytesWritten } = await this.#file.write(
        bytes,
        written,
        bytes.length - written,
        position + written,
      );
      written += bytesWritten;
    }
  }
}

const draftOf = (path: string): string => `${path}.tmp`;
