/**
 * The directory of a vote log on a real file system. Files that are to be durable are opened with O_DSYNC: each write
 * is its own fdatasync, in one call instead of two.
 */
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { assert } from '../../base/index.js';
import type { AppendFile, LogFiles } from './log-files.js';

function syncDirectory(path: string): void {
  const directory = fs.openSync(path, 'r');
  try {
    fs.fsyncSync(directory);
  } finally {
    fs.closeSync(directory);
  }
}

/** Calls `action` with the file open, and closes it. */
function withFile<T>(path: string, flags: string, action: (file: number) => T): T {
  const file = fs.openSync(path, flags);
  try {
    return action(file);
  } finally {
    fs.closeSync(file);
  }
}

function durably(flags: number, isDurable: boolean): number {
  if (!isDurable) return flags;
  assert(typeof fs.constants.O_DSYNC === 'number', 'this platform has no synchronous writes');
  return flags | fs.constants.O_DSYNC;
}

class NodeAppendFile implements AppendFile {
  readonly #file: number;
  #sizeBytes: number;

  constructor(file: number, sizeBytes: number) {
    this.#file = file;
    this.#sizeBytes = sizeBytes;
  }

  append(parts: readonly Uint8Array[], done: (error: unknown) => void): void {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    fs.writev(this.#file, parts, this.#sizeBytes, (error, written) => {
      if (error) return done(error);
      // A disk that fills up takes a part; nothing is tried again.
      if (written !== length) return done(Object.assign(new Error('short write'), { code: 'ENOSPC' }));
      this.#sizeBytes += length;
      done(null);
    });
  }

  close(done: (error: unknown) => void): void {
    fs.close(this.#file, done);
  }
}

export class NodeLogFiles implements LogFiles {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  #path(name: string): string {
    return join(this.directory, name);
  }

  prepare(): void {
    if (fs.existsSync(this.directory)) return;
    fs.mkdirSync(this.directory, { mode: 0o700 });
    syncDirectory(dirname(this.directory));
  }

  list(): string[] {
    return fs.readdirSync(this.directory);
  }

  size(name: string): number {
    return fs.statSync(this.#path(name)).size;
  }

  read(name: string, position: number, length: number): Uint8Array {
    const bytes = Buffer.allocUnsafeSlow(length);
    return withFile(this.#path(name), 'r', (file) => {
      let read = 0;
      while (read < length) {
        const count = fs.readSync(file, bytes, read, length - read, position + read);
        if (count === 0) break;
        read += count;
      }
      return bytes.subarray(0, read);
    });
  }

  overwrite(name: string, position: number, bytes: Uint8Array): void {
    withFile(this.#path(name), 'r+', (file) => {
      for (let at = 0; at < bytes.length;) {
        at += fs.writeSync(file, bytes, at, bytes.length - at, position + at);
      }
    });
  }

  cut(name: string, size: number): void {
    fs.truncateSync(this.#path(name), size);
  }

  remove(name: string): void {
    fs.unlinkSync(this.#path(name));
  }

  sync(name: string): void {
    withFile(this.#path(name), 'r+', (file) => fs.fsyncSync(file));
  }

  syncNames(): void {
    syncDirectory(this.directory);
  }

  reopen(name: string, isDurable: boolean): AppendFile {
    const file = fs.openSync(this.#path(name), durably(fs.constants.O_RDWR, isDurable));
    return new NodeAppendFile(file, fs.fstatSync(file).size);
  }

  create(name: string, isDurable: boolean, done: (error: unknown, file: AppendFile | null) => void): void {
    const { O_RDWR, O_CREAT, O_EXCL } = fs.constants;
    const flags = durably(O_RDWR | O_CREAT | O_EXCL, isDurable);
    fs.open(this.#path(name), flags, 0o600, (error, file) => {
      if (error) done(error, null);
      else done(null, new NodeAppendFile(file, 0));
    });
  }

  rename(from: string, to: string, isDurable: boolean, done: (error: unknown) => void): void {
    fs.rename(this.#path(from), this.#path(to), (error) => {
      if (error || !isDurable) done(error);
      else this.#syncNames(done);
    });
  }

  #syncNames(done: (error: unknown) => void): void {
    fs.open(this.directory, 'r', (error, directory) => {
      if (error) return done(error);
      fs.fsync(directory, (error) => fs.close(directory, (closeError) => done(error ?? closeError)));
    });
  }

  discard(name: string, done: (error: unknown) => void): void {
    fs.unlink(this.#path(name), done);
  }

  soon(action: () => void): void {
    queueMicrotask(action);
  }
}
