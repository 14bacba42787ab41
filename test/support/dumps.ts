/** What somebody finds who has a replica's machine: its files, its heap, its memory; and how to look for a text there. */
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { vi } from 'vitest';

/** Node writes a heap snapshot to its working directory at this signal. */
export const dumpSignal = 'SIGUSR2';
export const dumpOption = `--heapsnapshot-signal=${dumpSignal}`;

/** The forms in which a text may lie around: both encodings of strings, hexadecimal, and base64 at each of its three offsets. */
export function formsOf(text: string): Map<string, Buffer> {
  const utf8 = Buffer.from(text);
  const base64 = (before: number): Buffer => {
    const whole = Buffer.concat([Buffer.alloc(before), utf8])
      .toString('base64')
      .replace(/=+$/, '');
    // The first and the last characters also depend on what is beside the text.
    const start = before === 0 ? 0 : before + 1;
    return Buffer.from(whole.slice(start, (before + utf8.length) % 3 === 0 ? undefined : -1));
  };
  return new Map([
    ['utf8', utf8],
    ['utf16le', Buffer.from(text, 'utf16le')],
    ['hex', Buffer.from(utf8.toString('hex'))],
    ['HEX', Buffer.from(utf8.toString('hex').toUpperCase())],
    ...[0, 1, 2].map((before) => [`base64+${before}`, base64(before)] as const),
  ]);
}

const formsIn = (bytes: Buffer, text: string): string[] =>
  [...formsOf(text)].flatMap(([form, pattern]) => (bytes.includes(pattern) ? [form] : []));

/** Every file below a folder that holds the text, as `path: form`. */
export function filesWith(folder: string, text: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true)
    .flatMap((path) => formsIn(readFileSync(path), text).map((form) => `${path}: ${form}`));
}

/** The text of a process's heap snapshot, once it is complete. */
export async function heapOf(directory: string, pid: number): Promise<Buffer> {
  const isOurs = (name: string): boolean => name.endsWith('.heapsnapshot') && name.includes(`.${pid}.`);
  process.kill(pid, dumpSignal);
  return vi.waitFor(
    () => {
      const name = readdirSync(directory).find(isOurs);
      if (name === undefined) throw new Error(`${directory} has no heap snapshot of process ${pid}`);
      const text = readFileSync(join(directory, name));
      // Half a snapshot is no JSON.
      if (!/\]\s*\}\s*$/.test(text.toString('latin1', text.length - 16)))
        throw new Error(`${name} is incomplete`);
      JSON.parse(text.toString());
      return text;
    },
    { timeout: 60_000, interval: 100 },
  );
}

export const heapForms = (heap: Buffer, text: string): string[] => formsIn(heap, text);

/** All that a process has in writable memory, buffers outside of the heap included. */
export function* memoryOf(pid: number): Generator<Buffer> {
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
      const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? [];
      if (from === undefined || to === undefined) continue;
      const size = Number(BigInt(`0x${to}`) - BigInt(`0x${from}`));
      yield* chunksOf(memory, BigInt(`0x${from}`), size);
    }
  } finally {
    closeSync(memory);
  }
}

const chunkBytes = 8 << 20;
/** Chunks overlap, so that no text falls between two. */
const overlapBytes = 4096;

function* chunksOf(memory: number, from: bigint, size: number): Generator<Buffer> {
  const chunk = Buffer.alloc(Math.min(size, chunkBytes + overlapBytes));
  for (let at = 0; at < size; at += chunkBytes) {
    const length = Math.min(chunk.length, size - at);
    let read: number;
    try {
      read = readSync(memory, chunk, 0, length, from + BigInt(at));
    } catch {
      // Reserved, freed meanwhile, or of a device.
      return;
    }
    yield chunk.subarray(0, read);
  }
}

/** Not on every system. */
export const canReadMemory = (pid: number): boolean => existsSync(`/proc/${pid}/mem`);

/** The forms in which the process's memory holds each text. */
export function memoryForms(pid: number, texts: readonly string[]): Map<string, string[]> {
  const found = new Map(texts.map((text) => [text, new Set<string>()]));
  for (const chunk of memoryOf(pid))
    for (const text of texts) for (const form of formsIn(chunk, text)) found.get(text)!.add(form);
  return new Map([...found].map(([text, forms]) => [text, [...forms].sort()]));
}
