/**
 * `saveSnapshot`: a backup of the whole replicated state while the cluster runs. Everything that was acknowledged before
 * the call is in it: the session that this client opens has a number, and a certified state whose header has got as
 * far was made after the opening. Until there is one, operations that do nothing are ordered, so that a checkpoint comes
 * soon on an idle cluster too.
 */
import {
  emptyBytes,
  InvalidInputError,
  RefusedError,
  sequenceNumber,
  TheodoraError,
  UnavailableError,
  type SequenceNumber,
  type SessionId,
} from '../base/index.js';
import { decodeHeaderPage, type CheckpointCertificate } from '../codec/index.js';
import {
  checkConnectOptions,
  createCore,
  createLinks,
  waitForWelcome,
  type ConnectOptions,
} from './connect.js';
import { Driver } from './driver.js';
import { describeProblems, unavailable } from './failures.js';
import { loadIdentity, type Identity } from './identity.js';
import type { Links } from './links.js';
import { SnapshotWriter } from './snapshot-file.js';
import { SnapshotSource, StateGoneError } from './snapshot-source.js';

export interface SaveSnapshotOptions extends ConnectOptions {
  /** Replaced if it is there, once the new one is durable. */
  readonly path: string;
  /**
   * Takes the newest stable checkpoint as it is, which may lack the last operations: this needs no quorum, only one replica
   * that answers.
   */
  readonly lastCheckpoint?: boolean | undefined;
  /** Called now and then. */
  readonly onProgress?: ((pages: number, sizeBytes: number) => void) | undefined;
}

export interface SavedSnapshot {
  readonly path: string;
  readonly sequenceNumber: SequenceNumber;
  readonly stateDigest: string;
  readonly pages: number;
  readonly sizeBytes: number;
  /** Replicas that showed or sent something that was not certified. */
  readonly liars: readonly number[];
}

/** Between two looks at the replicas' checkpoints. */
const operationsAtOnce = 16;
/** By far more than a checkpoint takes. */
const operationsMax = 4_096;
/** A state is gone if the others have come two checkpoints further and whoever gave it has died. */
const attemptsMax = 8;
const settleMs = 2_000;
const pagesPerProgress = 256;

/** What takes part, as long as it takes. */
class Saving {
  readonly source: SnapshotSource;
  readonly #links: Links;
  readonly #driver: Driver;
  readonly #timeoutMs: number;

  constructor(identity: Identity, timeoutMs: number) {
    const links: Links = createLinks(identity, {
      up: (replica, view) => {
        driver.feed({ kind: 'connected', replica, view });
        this.source.changed();
      },
      down: (replica) => {
        driver.feed({ kind: 'disconnected', replica });
        this.source.changed();
      },
      message: (from, message) => {
        if (message.kind === 'snapshotNodes') this.source.take(from, message);
        else driver.feed({ kind: 'message', from, message });
      },
      refused: (isRefused) => driver.feed({ kind: 'refused', isRefused }),
    });
    const driver = new Driver(createCore(identity), links);
    this.#links = links;
    this.#driver = driver;
    this.#timeoutMs = timeoutMs;
    const network = {
      up: () => links.up(),
      send: (...[to, message]: Parameters<Links['send']>) => {
        links.send(to, message);
        links.flush();
      },
    };
    this.source = new SnapshotSource({ cluster: identity.cluster, network, timeoutMs });
  }

  /** Until f+1 replicas welcome this client. */
  connect(n: number, signal: AbortSignal | undefined): Promise<void> {
    this.#links.start();
    return waitForWelcome(this.#links, n, this.#timeoutMs, signal);
  }

  /** Whoever is there. */
  async connectToAny(n: number, signal: AbortSignal | undefined): Promise<void> {
    const { changes } = this.#links;
    this.#links.start();
    const isAny = await changes.until(() => this.#links.upCount > 0, this.#timeoutMs, signal);
    await changes.until(() => this.#links.upCount === n, Math.min(settleMs, this.#timeoutMs), signal);
    if (isAny) return;
    const replicas = this.#links.problems();
    const message = `no replica can be reached: ${describeProblems(replicas)}.`;
    throw new UnavailableError('CLUSTER_UNREACHABLE', message, { replicas });
  }

  /** Has something ordered that does nothing. */
  async order(): Promise<SessionId> {
    const call = this.#driver.call(emptyBytes, {}, this.#timeoutMs);
    const { kind } = await call.outcome;
    const request = call.request();
    if (kind === 'result' && request !== null) return request.session;
    throw unavailable('snapshot', `${this.#timeoutMs} ms passed`, this.#links.problems());
  }

  async close(): Promise<void> {
    const isClosed = this.#driver.close();
    this.#links.close();
    await isClosed;
  }
}

/** Whether the session had been opened in this state; null: nobody holds the state any more. */
async function hasSession(
  source: SnapshotSource,
  certificate: CheckpointCertificate,
  session: SessionId,
): Promise<boolean | null> {
  try {
    const page = await source.header(certificate);
    const header = page === null ? null : decodeHeaderPage(page);
    if (header !== null) return header.lastSession >= session;
  } catch (error) {
    if (error instanceof StateGoneError) return null;
    throw error;
  }
  const message = 'the cluster runs another protocol version; use the release that it runs.';
  throw new TheodoraError('VERSION_MISMATCH', message);
}

/** The newest certified state above `above` that is new enough. `session` null: any is. */
async function findState(
  saving: Saving,
  session: SessionId | null,
  above: SequenceNumber,
): Promise<CheckpointCertificate> {
  let looked = above;
  for (let ordered = 0; ordered < operationsMax; ordered += operationsAtOnce) {
    const newest = await saving.source.newest();
    if (newest !== null && newest.sequenceNumber > looked) {
      if (session === null) return newest;
      const isNewEnough = await hasSession(saving.source, newest, session);
      if (isNewEnough === true) return newest;
      if (isNewEnough === false) looked = newest.sequenceNumber;
    }
    if (session === null) {
      const message =
        'no replica shows a stable checkpoint: there has been none yet. Leave --last-checkpoint out, so that one is made.';
      throw new UnavailableError('NO_STABLE_CHECKPOINT', message);
    }
    for (let i = 0; i < operationsAtOnce; i++) await saving.order();
  }
  throw new UnavailableError(
    'SNAPSHOT_INTERRUPTED',
    'no new checkpoint became stable. See `theodora status`: are enough replicas up, and do their digests agree?',
  );
}

async function save(
  saving: Saving,
  writer: SnapshotWriter,
  session: SessionId | null,
  { identity, options }: { identity: Identity; options: SaveSnapshotOptions },
): Promise<CheckpointCertificate> {
  let above = sequenceNumber(0);
  for (let attempt = 1; ; attempt++) {
    const certificate = await findState(saving, session, above);
    await writer.begin(identity.cluster.clusterId, certificate);
    try {
      for await (const { section, number, bytes } of saving.source.pages(certificate)) {
        options.signal?.throwIfAborted();
        await writer.page(section, number, bytes);
        if (writer.pageCount % pagesPerProgress === 0)
          options.onProgress?.(writer.pageCount, writer.sizeBytes);
      }
      await writer.finish();
      return certificate;
    } catch (error) {
      if (!(error instanceof StateGoneError)) throw error;
      if (attempt === attemptsMax) {
        const message = 'the replicas go on faster than they give their state. Try again with less load.';
        throw new UnavailableError('SNAPSHOT_INTERRUPTED', message, {}, error);
      }
      above = certificate.sequenceNumber;
    }
  }
}

function checkAdmin({ cluster, name, publicKey }: Identity): void {
  const admin = cluster.clients.find((client) => client.name === 'admin');
  if (publicKey === admin?.publicKey) return;
  const message = `snapshot: only the identity admin may read the whole state, and this is ${name}`;
  throw new RefusedError('ADMIN_ONLY', message);
}

/**
 * Saves the state of a certified checkpoint to a file, with mode 0600: it holds everything that is in any space.
 * @throws InvalidInputError as `connect`; RefusedError ADMIN_ONLY; UnavailableError CLUSTER_UNREACHABLE,
 * SERVICE_UNAVAILABLE, SNAPSHOT_INTERRUPTED, NO_STABLE_CHECKPOINT; the file system's errors; the signal's reason. Then
 * what was there under that name stays.
 */
export async function saveSnapshot(options: SaveSnapshotOptions): Promise<SavedSnapshot> {
  const { timeoutMs, signal } = checkConnectOptions(options, ['path', 'lastCheckpoint', 'onProgress']);
  const { path, lastCheckpoint } = options;
  if (typeof path !== 'string' || path === '')
    throw new InvalidInputError('INVALID_OPTION', 'path is that of a file', { option: 'path' });
  signal?.throwIfAborted();
  const identity = await loadIdentity(options);
  checkAdmin(identity);
  const writer = await SnapshotWriter.create(path);
  const saving = new Saving(identity, timeoutMs);
  let isDone = false;
  try {
    const n = identity.cluster.replicas.length;
    await (lastCheckpoint === true ? saving.connectToAny(n, signal) : saving.connect(n, signal));
    const session = lastCheckpoint === true ? null : await saving.order();
    const { sequenceNumber, stateDigest } = await save(saving, writer, session, { identity, options });
    isDone = true;
    const { pageCount: pages, sizeBytes } = writer;
    return { path, sequenceNumber, stateDigest, pages, sizeBytes, liars: [...saving.source.liars] };
  } finally {
    if (!isDone) await writer.abandon();
    await saving.close();
  }
}
