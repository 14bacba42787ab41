/**
 * The directory of one database replica. The server's own data directory in it is always whole: a new one is made beside
 * it (`data.new`), called `data.ready` once it is complete and on the disk, and only then takes the other's place. So a copier
 * that holds acknowledged commits never gives them up for a copy that is not finished.
 *
 * pg_rewind alone works in place. The mark `data.rewinding` says that it was interrupted: then the data are no good;
 * `data.rewound`, whose they are since. The mark `data.promoting` has the token of a promotion that may have happened
 * (lineage.ts). Marks are of the data, and go with them.
 */
import { chmod, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { postgresInputError } from './errors.js';
import { exists, renameDurably, syncDirectory, writeAtomically } from './files.js';

/** sun_path of Linux without its last NUL. */
const socketPathBytesMax = 107;

export class Layout {
  readonly directory: string;
  readonly data: string;
  readonly staging: string;
  readonly #ready: string;
  readonly #old: string;
  readonly #rewinding: string;
  readonly #promoting: string;
  readonly #rewound: string;
  readonly socketDirectory: string;
  readonly passfile: string;
  readonly log: string;
  readonly lock: string;

  /** @throws InvalidInputError POSTGRES_PATH_TOO_LONG. */
  constructor(directory: string, port: number) {
    this.directory = resolve(directory);
    const below = (name: string): string => join(this.directory, name);
    this.data = below('data');
    this.staging = below('data.new');
    this.#ready = below('data.ready');
    this.#old = below('data.old');
    this.#rewinding = below('data.rewinding');
    this.#promoting = below('data.promoting');
    this.#rewound = below('data.rewound');
    this.socketDirectory = below('socket');
    this.passfile = below('passfile');
    this.log = below('postgres.log');
    this.lock = below('lock');
    const path = join(this.socketDirectory, `.s.PGSQL.${port}`);
    const bytes = Buffer.byteLength(path);
    if (bytes <= socketPathBytesMax) return;
    const text = `${path}: the path of the socket has ${bytes} bytes, and the system takes ${socketPathBytesMax}`;
    throw postgresInputError('POSTGRES_PATH_TOO_LONG', text, 'Choose a directory with a shorter path', {
      fields: { path, bytes },
    });
  }

  inData(name: string): string {
    return join(this.data, name);
  }

  /** Makes it if there is none. */
  async make(): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
  }

  /** Makes what belongs into it, and finishes or undoes what an earlier life left half done. No server may run. */
  async prepare(): Promise<void> {
    await this.make();
    await mkdir(this.socketDirectory, { recursive: true });
    await chmod(this.socketDirectory, 0o700);
    if (await exists(this.#ready)) await this.#exchange();
    if ((await exists(this.#old)) && !(await exists(this.data))) await renameDurably(this.#old, this.data);
    for (const path of [this.staging, this.#old]) await rm(path, { recursive: true, force: true });
  }

  /** Whether there are data that a server can start from. */
  async hasData(): Promise<boolean> {
    return (await exists(this.inData('global/pg_control'))) && !(await exists(this.#rewinding));
  }

  /** An empty place for new data. */
  async stage(): Promise<string> {
    await rm(this.staging, { recursive: true, force: true });
    return this.staging;
  }

  async unstage(): Promise<void> {
    await rm(this.staging, { recursive: true, force: true });
  }

  /** The staged data, complete and synced, take the place of those that there are. */
  async adopt(): Promise<void> {
    await renameDurably(this.staging, this.#ready);
    await this.#exchange();
  }

  async beginRewind(): Promise<void> {
    await writeAtomically(this.#rewinding, '');
  }

  /** The data are of use only together with what that server has besides, until they have been started with it. */
  async endRewind(source: string): Promise<void> {
    await this.#removeMarks([this.#promoting]);
    await writeAtomically(this.#rewound, source);
    await this.#removeMarks([this.#rewinding]);
  }

  async rewoundFrom(): Promise<string | null> {
    return (await exists(this.#rewound)) ? readFile(this.#rewound, 'utf8') : null;
  }

  /** They have been started. */
  async completeRewind(): Promise<void> {
    await this.#removeMarks([this.#rewound]);
  }

  async beginPromotion(token: bigint): Promise<void> {
    await writeAtomically(this.#promoting, String(token));
  }

  /** Once the token is in the data. */
  async endPromotion(): Promise<void> {
    await this.#removeMarks([this.#promoting]);
  }

  async pendingToken(): Promise<string | null> {
    return (await exists(this.#promoting)) ? readFile(this.#promoting, 'utf8') : null;
  }

  async #removeMarks(marks: readonly string[]): Promise<void> {
    for (const mark of marks) await rm(mark, { force: true });
    await syncDirectory(this.directory);
  }

  /** Can be repeated from any point at which it was interrupted. */
  async #exchange(): Promise<void> {
    if (await exists(this.data)) {
      await rm(this.#old, { recursive: true, force: true });
      await renameDurably(this.data, this.#old);
    }
    await this.#removeMarks([this.#rewinding, this.#promoting, this.#rewound]);
    await rename(this.#ready, this.data);
    await syncDirectory(this.directory);
    await rm(this.#old, { recursive: true, force: true });
  }
}
