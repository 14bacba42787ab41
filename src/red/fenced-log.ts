/**
 * A reference store for data that all replicas share: an append-only file that takes a record only with a fencing token at least
 * as great as every one before, so that a writer that has been overtaken writes nothing, whatever its clock says (DESIGN
 * section 3). The check and the writing are one step of one process; a storage of another kind has to make them one too. A
 * record counts once it is synced; one that was cut off by a crash was never acknowledged and is dropped.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { InvalidInputError, TheodoraError } from '../client/index.js';

export interface FencedRecord {
  /** Of the writer: the id of its WRITER entry. */
  readonly token: bigint;
  readonly value: string;
}

const linePattern = /^(0|[1-9][0-9]{0,18}) ("(?:[^"\\]|\\.)*")$/;

function recordOf(line: string): FencedRecord | null {
  const match = linePattern.exec(line);
  return match === null ? null : { token: BigInt(match[1]!), value: JSON.parse(match[2]!) as string };
}

export class FencedLog {
  readonly path: string;
  readonly #file: FileHandle;
  readonly #records: FencedRecord[];
  /** One after the other: what is checked is what is written next. */
  #last: Promise<void> = Promise.resolve();
  #size: number;

  private constructor(path: string, file: FileHandle, records: FencedRecord[], size: number) {
    this.path = path;
    this.#file = file;
    this.#records = records;
    this.#size = size;
  }

  /** Makes it if it is not there. @throws InvalidInputError STORE_DAMAGED if it holds what was never written by this. */
  static async open(path: string): Promise<FencedLog> {
    const file = await open(path, 'a+', 0o600);
    try {
      const text = await file.readFile('utf8');
      const end = text.lastIndexOf('\n') + 1;
      const lines = text.slice(0, end).split('\n').slice(0, -1);
      const records = lines.map((line, index) => {
        const record = recordOf(line);
        if (record !== null) return record;
        const message = `${path}, line ${index + 1}: no record of a fenced log. Restore the file from a copy.`;
        throw new InvalidInputError('STORE_DAMAGED', message, { path, line: index + 1 });
      });
      const size = Buffer.byteLength(text.slice(0, end));
      await file.truncate(size);
      return new FencedLog(path, file, records, size);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** In the order in which they were written. */
  get records(): readonly FencedRecord[] {
    return this.#records;
  }

  /** 0: nobody has written yet. */
  get token(): bigint {
    return this.#records.at(-1)?.token ?? 0n;
  }

  /**
   * Resolves once it is on the disk.
   * @throws TheodoraError TOKEN_OUTDATED if another writer came after this one: then nothing was written.
   */
  append(token: bigint, value: string): Promise<void> {
    const written = this.#last.then(() => this.#append(token, value));
    this.#last = written.catch(() => undefined);
    return written;
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#file.close();
  }

  async #append(token: bigint, value: string): Promise<void> {
    if (token < this.token) {
      const message = `a writer with fencing token ${token} was overtaken by one with ${this.token}; nothing was written. Stop writing, and take part again as a stopped replica.`;
      throw new TheodoraError('TOKEN_OUTDATED', message, { token, highest: this.token });
    }
    const line = `${token} ${JSON.stringify(value)}\n`;
    try {
      await this.#file.appendFile(line);
      await this.#file.datasync();
    } catch (error) {
      // Half a line would damage the next one.
      await this.#file.truncate(this.#size);
      throw error;
    }
    this.#size += Buffer.byteLength(line);
    this.#records.push({ token, value });
  }
}
