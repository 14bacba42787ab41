/**
 * Single flipped bits in the files of a stopped replica, whichever they are: started again among the others it mends
 * itself, or refuses and says why. It never ends by an exception, and never holds another state than the others.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { prng, TheodoraError, type Prng } from '../../src/base/index.js';
import { clusterStatus, connect, type Client, type ConnectOptions } from '../../src/client/index.js';
import { startReplica, type RunningReplica } from '../../src/replica/index.js';
import {
  adminKey,
  makeClusterFiles,
  silent,
  tlsMaterial,
  type ClusterFiles,
} from '../support/cluster-files.js';

const seed = Number(process.env['THEODORA_FLIPS_SEED'] ?? 1);
const flips = Number(process.env['THEODORA_FLIPS'] ?? 20);
const victim = 3;
const settings = { checkpointInterval: 8, watermarkWindow: 16 };
/** What a replica may say that does not start, by the file that was changed. */
const refusals: readonly (readonly [RegExp, RegExp])[] = [
  [/^votes\//, /^VOTE_LOG_DAMAGED$/],
  [/^replica\.key$/, /^KEY_/],
  [/^tls\./, /^(TLS|CERTIFICATE|KEY)_/],
];

interface Outcome {
  readonly file: string;
  /** The code with which it refused, or what it told of itself. */
  readonly result: string;
}

let files: ClusterFiles;
let others: RunningReplica[] = [];
let client: Client;
const addresses = new Map<number, string>();
const dataDir = (id: number): string => join(files.directory, `replica-${id}`);
const stopped = (): string => join(files.directory, 'stopped');

function start(id: number, log = silent, options: { repair?: boolean } = {}): Promise<RunningReplica> {
  return startReplica({
    clusterFile: files.clusterFile,
    id,
    dataDir: dataDir(id),
    listen: addresses.get(id) ?? '127.0.0.1:0',
    peerAddress: (peer) => addresses.get(peer) ?? null,
    settings,
    log,
    ...options,
  });
}

function connection(): ConnectOptions {
  const { description } = files;
  const { key, certificate } = tlsMaterial(files, 'clients/admin');
  const replicas = description.replicas.map((replica) => ({
    ...replica,
    address: addresses.get(replica.id)!,
  }));
  return {
    cluster: { ...description, replicas },
    identity: 'admin',
    keys: { identityKey: adminKey(files), tlsKey: key, tlsCertificate: certificate },
  };
}

const out = (number: number): Promise<unknown> =>
  client.space('default').out(['step', number, 'x'.repeat(100)]);

beforeAll(async () => {
  files = await makeClusterFiles();
  for (const { id } of files.description.replicas) {
    const replica = await start(id);
    addresses.set(id, replica.address);
    others.push(replica);
  }
  client = await connect(connection());
  // Enough for LevelDB to have tables as well as a log of its own, then one batch each.
  for (let i = 0; i < 40; i++)
    await client.space('default').out(['large', i, new Uint8Array(60_000).fill(i)]);
  for (let i = 0; i < 45; i++) await out(i);
  await vi.waitUntil(() => new Set(others.map((replica) => replica.status().executed)).size === 1);
  await others[victim]!.close();
  others = others.filter(({ id }) => id !== victim);
  cpSync(dataDir(victim), stopped(), { recursive: true });
  for (let i = 45; i < 50; i++) await out(i);
});
afterAll(async () => {
  await client.close();
  await Promise.all(others.map((replica) => replica.close()));
  files.remove();
});

const filesBelow = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile() && statSync(join(file.parentPath, file.name)).size > 0)
    .map((file) => relative(directory, join(file.parentPath, file.name)))
    .sort();

/** The stopped replica's files again, with one bit changed. */
function damage(file: string, at: number, bit: number): void {
  rmSync(dataDir(victim), { recursive: true });
  mkdirSync(dataDir(victim));
  cpSync(stopped(), dataDir(victim), { recursive: true });
  const path = join(dataDir(victim), file);
  const bytes = readFileSync(path);
  bytes[at]! ^= 1 << bit;
  writeFileSync(path, bytes);
}

/** Starts it among the others, and waits until it is one of them again. */
async function startAmongOthers(options: { repair?: boolean } = {}): Promise<string[]> {
  const said: string[] = [];
  const log = pino(
    { level: 'info' },
    { write: (line) => said.push((JSON.parse(line) as { msg: string }).msg) },
  );
  const replica = await start(victim, log, options);
  try {
    const isEqual = (): boolean => {
      const { executed, isObserver } = replica.status();
      return !isObserver && others.every((other) => other.status().executed === executed);
    };
    await vi.waitUntil(isEqual, { timeout: 30_000, interval: 10 });
    const lines = await clusterStatus(connection());
    expect(new Set(lines.map((line) => line.reachable && line.stateDigest)).size).toBe(1);
  } finally {
    await replica.close();
  }
  expect(await replica.stopped).toEqual({ kind: 'closed' });
  return said;
}

async function outcomeOf(file: string): Promise<Outcome> {
  try {
    const said = await startAmongOthers();
    const telling = said.filter((message) => /damaged|repaired|torn|state-/.test(message));
    return { file, result: telling.join(' ') || 'unharmed' };
  } catch (error) {
    if (!(error instanceof TheodoraError)) throw error;
    const allowed = refusals.find(([path]) => path.test(file))?.[1] ?? /^never$/;
    expect(error.code, `${file}: ${error.message}`).toMatch(allowed);
    return { file, result: error.code };
  }
}

function tally(outcomes: readonly Outcome[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { file, result } of outcomes) {
    const key = `${file}: ${result}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

function pickFile(random: Prng, all: readonly string[]): string {
  const places = [/^votes\//, /^pages\//, /./];
  const place = random.pick(places);
  return random.pick(all.filter((file) => place.test(file)));
}

describe('a flipped bit in a file of a stopped replica', () => {
  it(
    `leaves it repaired or refusing (seed ${seed})`,
    async () => {
      const random = prng(seed);
      const all = filesBelow(stopped());
      const outcomes: Outcome[] = [];
      for (let i = 0; i < flips; i++) {
        const file = pickFile(random, all);
        const { size } = statSync(join(stopped(), file));
        const [at, bit] = [random.below(size), random.below(8)];
        damage(file, at, bit);
        const outcome = await outcomeOf(file).catch((error: unknown) => {
          throw new Error(`${file}, byte ${at}, bit ${bit}`, { cause: error });
        });
        outcomes.push(outcome);
      }
      // Each refusal has been checked to be one for that file.
      console.log(tally(outcomes));
      expect(outcomes).toHaveLength(flips);
    },
    60_000 + flips * 10_000,
  );

  it("in LevelDB's own log may bring an older certified state back, and the rest comes from votes and peers", async () => {
    const log = filesBelow(stopped()).find((file) => /^pages\/\d+\.log$/.test(file))!;
    const { size } = statSync(join(stopped(), log));
    // From the last record, whose checkpoint is lost with it, back to the first, which everything builds on.
    const outcomes: Outcome[] = [];
    for (const at of [size - 8, size - 1_000, size - 4_000, 20]) {
      damage(log, at, 3);
      outcomes.push(await outcomeOf(log));
    }
    // Which of them take a checkpoint back, or all pages, is a matter of when the replica was stopped; that each came to
    // the state of the others has been checked.
    expect(outcomes).toHaveLength(4);
  });
});
