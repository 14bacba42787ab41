/**
 * The one directory of files that a vote log lives in, as a port: node-log-files.ts is the real one, the simulator has
 * one with faults in virtual time. Reading and mending happen once, before the replica takes part, and are
 * synchronous; what happens while it runs is done in the background and told by a callback, never before the call has
 * returned. An error is final: nothing is tried again.
 */

/** A file being written at its end; one call at a time. */
export interface AppendFile {
  /** All parts in their order, in one write. They may not change before `done`. */
  append(parts: readonly Uint8Array[], done: (error: unknown) => void): void;
  close(done: (error: unknown) => void): void;
}

export interface LogFiles {
  /** For messages. */
  readonly directory: string;

  /** Makes the directory, durably, if there is none. */
  prepare(): void;
  list(): string[];
  size(name: string): number;
  /** Bytes from `position` on that nobody else changes; fewer than `length` only where the file ends. */
  read(name: string, position: number, length: number): Uint8Array;
  /** Writes in place, beyond the end too. */
  overwrite(name: string, position: number, bytes: Uint8Array): void;
  /** Leaves the first `size` bytes. */
  cut(name: string, size: number): void;
  remove(name: string): void;
  /** Makes durable what the file holds now. */
  sync(name: string): void;
  /** Makes durable which files there are. */
  syncNames(): void;
  /** To go on at the end of a file. `isDurable`: what is appended is durable when that is told. */
  reopen(name: string, isDurable: boolean): AppendFile;

  /** A new file. */
  create(name: string, isDurable: boolean, done: (error: unknown, file: AppendFile | null) => void): void;
  /** `isDurable`: and makes durable which files there are. */
  rename(from: string, to: string, isDurable: boolean, done: (error: unknown) => void): void;
  /** Removes a file that is not open; not durably. */
  discard(name: string, done: (error: unknown) => void): void;
  /** After everything that is going on now, so that what comes up together is written together. */
  soon(action: () => void): void;
}
