/**
 * A simulated disk with one directory of files, behind the very port of the real one, in virtual time. What has been
 * written is durable only once it has been synced; a power cut keeps any part of the rest, a killed process leaves all
 * that was written but what was just under way. Beyond that it fails on demand: errors, a full disk, flipped bits,
 * writes that are lost or land elsewhere although they were told as done.
 */
import { assert } from '../base/index.js';
import type { Prng } from '../base/index.js';
import type { AppendFile, LogFiles } from '../replica/index.js';

export interface DiskProfile {
  readonly latencyUsMin: number;
  readonly latencyUsMax: number;
}

/** What becomes of that which was not durable when the world ended. */
export interface CrashChoice {
  /** Of a write of `length` bytes, those in [from, to) reach the disk. */
  written(length: number): readonly [from: number, to: number];
  /** Whether a file's appearance, renaming or disappearance does. */
  isNamed(): boolean;
}

/** Anything may happen. */
export function randomCrash(random: Prng): CrashChoice {
  return {
    written: (length) => {
      const ends = [random.below(length + 1), random.below(length + 1)];
      const [from, to] = [Math.min(...ends), Math.max(...ends)];
      return random.pick([
        [0, 0],
        [0, length],
        [0, to],
        [from, to],
      ] as const);
    },
    isNamed: () => random.chance(1, 2),
  };
}

export type WriteFault =
  | { readonly kind: 'error'; readonly code: string }
  /** Told as done, never done. */
  | { readonly kind: 'lost' }
  /** Told as done, done at another place of the file. */
  | { readonly kind: 'misdirected'; readonly position: number };

interface Change {
  /** Bytes written at `position`; without them the file was cut there. */
  readonly position: number;
  readonly bytes: Uint8Array | null;
  isUnderWay: boolean;
}

class Content {
  #bytes = new Uint8Array(256);
  size = 0;

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.size);
  }

  apply({ position, bytes }: Change, from = 0, to = bytes?.length ?? 0): void {
    if (bytes === null) {
      this.#bytes.fill(0, position, this.size);
      this.size = Math.min(this.size, position);
    } else if (from < to) {
      const end = position + to;
      if (end > this.#bytes.length) {
        const grown = new Uint8Array(2 * end);
        grown.set(this.bytes);
        this.#bytes = grown;
      }
      this.#bytes.set(bytes.subarray(from, to), position + from);
      this.size = Math.max(this.size, end);
    }
  }

  copy(): Content {
    const copy = new Content();
    copy.apply({ position: 0, bytes: this.bytes, isUnderWay: false });
    return copy;
  }
}

class Inode {
  /** As a reader sees it. */
  current = new Content();
  durable = new Content();
  /** From durable to current. */
  changes: Change[] = [];

  change(change: Change): void {
    this.current.apply(change);
    this.changes.push(change);
  }

  sync(): void {
    for (const change of this.changes) this.durable.apply(change);
    this.changes = [];
  }

  /** After a power cut nothing is under way to the disk; after a kill the rest of what was written still is. */
  crashed(choice: CrashChoice, isPowerCut: boolean): Inode {
    const after = new Inode();
    after.durable = this.durable.copy();
    after.current = this.durable.copy();
    for (const change of this.changes) {
      const [from, to] =
        isPowerCut || change.isUnderWay
          ? choice.written(change.bytes?.length ?? 1)
          : [0, change.bytes?.length ?? 1];
      if (from >= to) continue;
      const bytes = change.bytes && change.bytes.slice(from, to);
      after.change({ position: change.position + from, bytes, isUnderWay: false });
    }
    if (isPowerCut) after.sync();
    return after;
  }
}

interface NameChange {
  readonly from: string | null;
  readonly to: string | null;
  readonly inode: Inode;
  isUnderWay: boolean;
}

function applyName(names: Map<string, Inode>, { from, to, inode }: NameChange): void {
  if (from !== null) names.delete(from);
  if (to !== null) names.set(to, inode);
}

const systemError = (code: string): Error => Object.assign(new Error(`simulated: ${code}`), { code });

export class SimulatedDisk implements LogFiles {
  readonly directory: string;
  /** ENOSPC once files would take more. */
  capacityBytes = Number.MAX_SAFE_INTEGER;
  /** Of the next writes, the first one's first. */
  readonly writeFaults: (WriteFault | null)[] = [];
  /** Code with which files cannot be created, renamed or removed; null: they can. */
  nameFault: string | null = null;
  readonly #schedule: (delayUs: number, action: () => void) => void;
  readonly #random: Prng;
  readonly #profile: DiskProfile;
  #names = new Map<string, Inode>();
  #durableNames = new Map<string, Inode>();
  #nameChanges: NameChange[] = [];
  #isAbandoned = false;

  constructor(
    directory: string,
    schedule: (delayUs: number, action: () => void) => void,
    random: Prng,
    profile: DiskProfile,
  ) {
    this.directory = directory;
    this.#schedule = schedule;
    this.#random = random;
    this.#profile = profile;
  }

  /** The process that used it is gone: nothing is told any more. */
  abandon(): void {
    this.#isAbandoned = true;
  }

  /** The disk that a later process finds. This one stays as it is. */
  afterKill(choice: CrashChoice): SimulatedDisk {
    return this.#after(choice, false);
  }

  afterPowerCut(choice: CrashChoice): SimulatedDisk {
    return this.#after(choice, true);
  }

  #after(choice: CrashChoice, isPowerCut: boolean): SimulatedDisk {
    const after = new SimulatedDisk(this.directory, this.#schedule, this.#random, this.#profile);
    after.capacityBytes = this.capacityBytes;
    const copies = new Map<Inode, Inode>();
    const copyOf = (inode: Inode): Inode => {
      const copy = copies.get(inode) ?? inode.crashed(choice, isPowerCut);
      copies.set(inode, copy);
      return copy;
    };
    for (const [name, inode] of this.#durableNames) {
      after.#names.set(name, copyOf(inode));
      after.#durableNames.set(name, copyOf(inode));
    }
    for (const change of this.#nameChanges) {
      if ((isPowerCut || change.isUnderWay) && !choice.isNamed()) continue;
      after.#changeName({ ...change, inode: copyOf(change.inode), isUnderWay: false });
    }
    if (isPowerCut) after.syncNames();
    return after;
  }

  /** Damages what is on the disk. */
  flip(name: string, offset: number, mask: number): void {
    const { current, durable } = this.#inode(name);
    for (const { bytes } of [current, durable]) {
      if (offset < bytes.length) bytes[offset] = bytes[offset]! ^ mask;
    }
  }

  /** Puts a whole file there, durably: one from a backup, say. */
  place(name: string, bytes: Uint8Array): void {
    const inode = new Inode();
    inode.change({ position: 0, bytes, isUnderWay: false });
    inode.sync();
    this.#changeName({ from: null, to: name, inode, isUnderWay: false });
    this.syncNames();
  }

  usedBytes(): number {
    let bytes = 0;
    for (const { current } of this.#names.values()) bytes += current.size;
    return bytes;
  }

  #inode(name: string): Inode {
    const inode = this.#names.get(name);
    if (inode === undefined) throw systemError('ENOENT');
    return inode;
  }

  #changeName(change: NameChange): NameChange {
    applyName(this.#names, change);
    this.#nameChanges.push(change);
    return change;
  }

  prepare(): void {
    // There is one directory.
  }

  list(): string[] {
    return [...this.#names.keys()];
  }

  size(name: string): number {
    return this.#inode(name).current.size;
  }

  read(name: string, position: number, length: number): Uint8Array {
    return this.#inode(name).current.bytes.slice(position, position + length);
  }

  overwrite(name: string, position: number, bytes: Uint8Array): void {
    this.#inode(name).change({ position, bytes: bytes.slice(), isUnderWay: false });
  }

  cut(name: string, size: number): void {
    this.#inode(name).change({ position: size, bytes: null, isUnderWay: false });
  }

  remove(name: string): void {
    this.#changeName({ from: name, to: null, inode: this.#inode(name), isUnderWay: false });
  }

  sync(name: string): void {
    this.#inode(name).sync();
  }

  syncNames(): void {
    for (const change of this.#nameChanges) applyName(this.#durableNames, change);
    this.#nameChanges = [];
  }

  reopen(name: string, isDurable: boolean): AppendFile {
    return this.#appendFile(this.#inode(name), isDurable);
  }

  create(name: string, isDurable: boolean, done: (error: unknown, file: AppendFile | null) => void): void {
    const fault = this.#names.has(name) ? 'EEXIST' : this.nameFault;
    if (fault !== null) return this.#later(() => done(systemError(fault), null));
    const inode = new Inode();
    const change = this.#changeName({ from: null, to: name, inode, isUnderWay: true });
    this.#later(() => {
      change.isUnderWay = false;
      done(null, this.#appendFile(inode, isDurable));
    });
  }

  rename(from: string, to: string, isDurable: boolean, done: (error: unknown) => void): void {
    this.#nameLater(from, to, isDurable, done);
  }

  discard(name: string, done: (error: unknown) => void): void {
    this.#nameLater(name, null, false, done);
  }

  #nameLater(from: string, to: string | null, isDurable: boolean, done: (error: unknown) => void): void {
    const fault = this.nameFault;
    if (fault !== null) return this.#later(() => done(systemError(fault)));
    const change = this.#changeName({ from, to, inode: this.#inode(from), isUnderWay: true });
    this.#later(() => {
      change.isUnderWay = false;
      if (isDurable) this.syncNames();
      done(null);
    });
  }

  soon(action: () => void): void {
    this.#schedule(0, () => {
      if (!this.#isAbandoned) action();
    });
  }

  #later(action: () => void): void {
    const { latencyUsMin, latencyUsMax } = this.#profile;
    this.#schedule(this.#random.between(latencyUsMin, latencyUsMax), () => {
      if (!this.#isAbandoned) action();
    });
  }

  #appendFile(inode: Inode, isDurable: boolean): AppendFile {
    let end = inode.current.size;
    let isWriting = false;
    return {
      append: (parts, done) => {
        assert(!isWriting, 'one write at a time');
        isWriting = true;
        const position = end;
        for (const part of parts) end += part.length;
        const error = this.#write(inode, position, parts);
        const { changes } = inode;
        this.#later(() => {
          isWriting = false;
          for (const change of changes) change.isUnderWay = false;
          if (isDurable && error === null) inode.sync();
          done(error);
        });
      },
      close: (done) => this.#later(() => done(null)),
    };
  }

  /** The error that will be told, or null. */
  #write(inode: Inode, position: number, parts: readonly Uint8Array[]): Error | null {
    const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    const write = (to: number, bytes: Uint8Array): void =>
      inode.change({ position: to, bytes, isUnderWay: true });
    const fault = this.writeFaults.shift() ?? null;
    const room = this.capacityBytes - this.usedBytes();
    if (fault?.kind === 'error') {
      write(position, whole.subarray(0, this.#random.below(whole.length + 1)));
      return systemError(fault.code);
    }
    if (fault?.kind === 'lost') return null;
    if (fault?.kind === 'misdirected') {
      write(fault.position, whole);
      return null;
    }
    write(position, whole.subarray(0, Math.max(0, Math.min(room, whole.length))));
    return room < whole.length ? systemError('ENOSPC') : null;
  }
}
