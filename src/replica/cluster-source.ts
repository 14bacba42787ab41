/**
 * The cluster file, followed while it changes: `client add` edits it under running replicas. Who the
 * replicas are is fixed at start; a file that has become invalid or describes other replicas is logged and
 * the last good description kept.
 */
import { readFileSync, statSync } from 'node:fs';
import type { Logger } from 'pino';
import { InvalidInputError } from '../base/index.js';
import { parseClusterFile, type ClusterDescription } from '../crypto/index.js';

/** The file is looked at no more often than this. */
const checkIntervalMs = 200;

export function readClusterFile(path: string): ClusterDescription {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new InvalidInputError(
      'CLUSTER_FILE_MISSING',
      `${path}: cannot be read. Make a cluster with \`theodora init\`, or name its cluster file.`,
      { path },
      cause,
    );
  }
  return parseClusterFile(text, path);
}

/** Changes whenever the file is replaced or rewritten; empty if there is none. */
function fileStamp(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? '' : `${stats.mtimeMs}:${stats.size}:${stats.ino}`;
}

const membership = ({ clusterId, replicas, certificateAuthority }: ClusterDescription): string =>
  [
    clusterId,
    certificateAuthority,
    ...replicas.map(({ publicKey, tlsFingerprint }) => publicKey + tlsFingerprint),
  ].join();

export class ClusterSource {
  readonly #path: string;
  readonly #log: Logger;
  readonly #monotonicMs: () => number;
  #description: ClusterDescription;
  #stamp: string;
  #checkedAtMs: number;
  #refreshing: Promise<ClusterDescription> | null = null;

  /** @throws InvalidInputError CLUSTER_FILE_MISSING, CLUSTER_FILE_INVALID. */
  constructor(path: string, log: Logger, monotonicMs: () => number = () => performance.now()) {
    this.#path = path;
    this.#log = log;
    this.#monotonicMs = monotonicMs;
    this.#stamp = fileStamp(path);
    this.#description = readClusterFile(path);
    this.#checkedAtMs = monotonicMs();
  }

  /** The description in force, at most 200 ms behind the file; the same object while nothing changed. */
  current(): ClusterDescription {
    if (this.#monotonicMs() - this.#checkedAtMs >= checkIntervalMs) this.#check();
    return this.#description;
  }

  /** The description after a look at the file that began after this call: for who is not known yet. */
  refresh(): Promise<ClusterDescription> {
    this.#refreshing ??= new Promise((resolve) => {
      const waitMs = Math.max(0, this.#checkedAtMs + checkIntervalMs - this.#monotonicMs());
      setTimeout(() => {
        this.#refreshing = null;
        this.#check();
        resolve(this.#description);
      }, waitMs);
    });
    return this.#refreshing;
  }

  #check(): void {
    this.#checkedAtMs = this.#monotonicMs();
    let stamp = this.#stamp;
    try {
      stamp = fileStamp(this.#path);
      if (stamp === this.#stamp) return;
      this.#stamp = stamp;
      const description = readClusterFile(this.#path);
      if (membership(description) !== membership(this.#description)) {
        this.#log.error(
          { path: this.#path },
          'the cluster file now describes other replicas; ignored. Restart the replica if that is meant.',
        );
        return;
      }
      this.#description = description;
      this.#log.info({ clients: description.clients.length }, 'cluster file read again');
    } catch (error) {
      this.#stamp = stamp;
      this.#log.error(
        { err: error },
        'the changed cluster file is not usable; the last good one stays in force',
      );
    }
  }
}
