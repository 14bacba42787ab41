/**
 * Replicas as child processes, for `up` and `demo`: started through our own `replica` command, watched
 * through its events, stopped gracefully. Each child has an IPC channel to us and stops when it closes, so
 * none outlives its parent, however that dies.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { relative } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { InvalidInputError, TheodoraError } from '../base/index.js';
import { parseAddress } from '../crypto/index.js';
import type { Durability } from '../replica/index.js';

export interface ReplicaPlace {
  readonly clusterFile: string;
  readonly id: number;
  readonly dataDir: string;
  /** What of it survives; `sync` unless given. */
  readonly durability?: Durability;
  /** How it misbehaves, and who does so too. */
  readonly injected?: { readonly behaviours: readonly string[]; readonly accomplices: readonly number[] };
}

/** What an operator says at one start. */
export interface StartWords {
  readonly rejoin?: boolean;
  readonly repair?: boolean;
}

export interface ExitInfo {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The error that the child reported last, if any. */
  readonly error: { readonly code: string; readonly message: string } | null;
}

export interface ReplicaProcess extends ReplicaPlace {
  readonly address: string;
  readonly pid: number;
  readonly exited: Promise<ExitInfo>;
  kill(signal: NodeJS.Signals): void;
}

export type ReplicaEvent = Readonly<Record<string, unknown>> & { readonly event: string };

const mainPath = fileURLToPath(new URL('./main.js', import.meta.url));

export function shellQuoted(word: string): string {
  return /^[\w./:@=,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A path as short as it can be typed from here. */
export function shownPath(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere === '' ? '.' : fromHere.startsWith('..') ? path : fromHere;
}

/** The command line that starts this replica by hand. */
export function replicaCommandLine(place: ReplicaPlace): string {
  const { clusterFile, id, dataDir, durability } = place;
  const words = ['--cluster', shownPath(clusterFile), '--id', String(id), '--data', shownPath(dataDir)];
  if (durability !== undefined && durability !== 'sync') words.push('--durability', durability);
  words.push(...injectionWords(place));
  return `npx theodora replica ${words.map(shellQuoted).join(' ')}`;
}

const injectionWords = ({ injected }: ReplicaPlace): readonly string[] =>
  injected === undefined
    ? []
    : ['--fault', injected.behaviours.join(','), '--accomplices', injected.accomplices.join(',')];

function parseObject(line: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    // Not ours: a warning of Node's, say.
    return null;
  }
}

function onLines(stream: NodeJS.ReadableStream | null, listener: (line: string) => void): void {
  if (stream !== null) createInterface({ input: stream, crlfDelay: Infinity }).on('line', listener);
}

/** Follows a child's stderr and keeps the last thing it complained about. */
function followErrors(child: ChildProcess): () => ExitInfo['error'] {
  let last: ExitInfo['error'] = null;
  onLines(child.stderr, (line) => {
    const error = parseObject(line)?.['error'] as { code?: unknown; message?: unknown } | undefined;
    if (typeof error?.code === 'string' && typeof error.message === 'string') {
      last = { code: error.code, message: error.message };
    } else if (last === null && line.trim() !== '') {
      last = { code: 'REPLICA_OUTPUT', message: line };
    }
  });
  return () => last;
}

function startFailure(id: number, exit: ExitInfo): TheodoraError {
  const why =
    exit.error?.message ?? (exit.signal === null ? `exit status ${exit.code}` : `killed by ${exit.signal}`);
  const message = `replica ${id} did not start: ${why}`;
  const fields = { replica: id };
  if (exit.code === 2)
    return new InvalidInputError(exit.error?.code ?? 'REPLICA_START_FAILED', message, fields);
  return new TheodoraError('REPLICA_START_FAILED', message, fields);
}

/**
 * Resolves once the replica listens; later events go to `onEvent`. Rejects if it exits before that: with
 * InvalidInputError and its own code if it complained about its input.
 */
export function startReplicaProcess(
  place: ReplicaPlace,
  onEvent: (event: ReplicaEvent) => void,
  { rejoin = false, repair = false }: StartWords = {},
): Promise<ReplicaProcess> {
  const { clusterFile, id, dataDir, durability = 'sync' } = place;
  const words = ['--cluster', clusterFile, '--id', String(id), '--data', dataDir, '--durability', durability];
  words.push(...injectionWords(place));
  if (rejoin) words.push('--rejoin');
  if (repair) words.push('--repair');
  const child = spawn(process.execPath, [mainPath, 'replica', '--supervised', '--json', ...words], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const lastError = followErrors(child);
  const exited = new Promise<ExitInfo>((resolve) => {
    // 'close' and not 'exit': only then has everything it wrote arrived.
    child.once('close', (code, signal) => resolve({ code, signal, error: lastError() }));
  });
  return new Promise((resolve, reject) => {
    // Could not be spawned. Later errors, of signals that come too late, change nothing.
    child.on('error', reject);
    void exited.then((exit) => reject(startFailure(id, exit)));
    onLines(child.stdout, (line) => {
      const event = parseObject(line);
      if (typeof event?.['event'] !== 'string') return;
      onEvent(event as ReplicaEvent);
      if (event['event'] !== 'listening') return;
      const address = String(event['address']);
      resolve({ ...place, address, pid: child.pid ?? 0, exited, kill: (signal) => void child.kill(signal) });
    });
  });
}

function listen(host: string, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ host, port, exclusive: true }, () => resolve(server));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

function boundPort(server: Server): number {
  const address = server.address();
  return address !== null && typeof address === 'object' ? address.port : 0;
}

/** Ports that the system says are free on the loopback address, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => listen('127.0.0.1', 0)));
  const ports = servers.map(boundPort);
  await Promise.all(servers.map(close));
  return ports;
}

const addressProblems: ReadonlyMap<string, string> = new Map([
  ['EADDRINUSE', 'is in use: is this cluster running already, or another program on that port?'],
  ['EADDRNOTAVAIL', 'does not belong to this machine'],
  ['EACCES', 'may not be used by this user'],
  ['ENOTFOUND', 'names no host'],
]);

/** Throws InvalidInputError PORT_IN_USE or ADDRESS_UNUSABLE {address}. */
export async function checkPortsAreFree(addresses: readonly string[]): Promise<void> {
  for (const address of addresses) {
    const parts = parseAddress(address);
    if (parts === null) continue;
    try {
      await close(await listen(parts.host, parts.port));
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? '';
      throw new InvalidInputError(
        code === 'EADDRINUSE' ? 'PORT_IN_USE' : 'ADDRESS_UNUSABLE',
        `${address} ${addressProblems.get(code) ?? `cannot be listened on (${code})`}`,
        { address },
        error,
      );
    }
  }
}
