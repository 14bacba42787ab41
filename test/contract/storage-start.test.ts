/** A data directory from life to life: how a replica may start, and what it finds. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { replicaId, sequenceNumber, viewNumber, type SequenceNumber } from '../../src/base/index.js';
import type { LogRecord } from '../../src/codec/index.js';
import {
  openStorage,
  type OpenedStorage,
  type OpenStorageOptions,
} from '../../src/replica/storage/open-storage.js';
import { genesisMarkerName } from '../../src/replica/storage/start.js';
import { expected, StateMaker } from '../support/saved-states.js';

let dataDir: string;
let opened: OpenedStorage[] = [];
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'theodora-data-'));
  mark();
});
afterEach(async () => {
  for (const { storage } of opened) await storage.close();
  opened = [];
  rmSync(dataDir, { recursive: true, force: true });
});

const marker = (): string => join(dataDir, genesisMarkerName);
const mark = (): void => writeFileSync(marker(), '');
const votes = (): string => join(dataDir, 'votes');
const genesis: LogRecord = { kind: 'started', as: 'genesis' };
const observer: LogRecord = { kind: 'started', as: 'observer' };
const vote: LogRecord = { kind: 'viewChange', view: viewNumber(3) };

async function open(options: Partial<OpenStorageOptions> = {}): Promise<OpenedStorage> {
  const found = await openStorage({
    dataDir,
    durability: 'sync',
    replica: replicaId(0),
    nowMs: 5_000,
    bootId: 'this boot',
    ...options,
  });
  opened.push(found);
  return found;
}

async function close(found: OpenedStorage): Promise<void> {
  opened = opened.filter((each) => each !== found);
  await found.storage.close();
}

interface Told {
  readonly stored: (recordNumber: number) => Promise<void>;
  readonly saved: Promise<SequenceNumber>;
}

/** What the storage tells from now on. */
function listen({ storage }: OpenedStorage): Told {
  let upTo = 0;
  let waiting = (): void => undefined;
  let settle: (number: SequenceNumber) => void;
  const saved = new Promise<SequenceNumber>((resolve) => (settle = resolve));
  storage.listen({
    stored: (number) => {
      upTo = number;
      waiting();
    },
    stateSaved: (number) => settle(number),
    failed: (error) => expect.unreachable(String(error)),
  });
  return {
    saved,
    stored: async (number) => {
      while (upTo < number) await new Promise<void>((resolve) => (waiting = resolve));
    },
  };
}

/** A first life with a vote in it. */
async function live(options: Partial<OpenStorageOptions> = {}): Promise<void> {
  const found = await open(options);
  const { stored } = listen(found);
  found.storage.append(1, vote, false);
  await stored(1);
  await close(found);
}

function damageVotes(): void {
  const name = readdirSync(votes()).find((each) => each.endsWith('.votes'))!;
  writeFileSync(join(votes(), name), new Uint8Array(400));
}

describe.each(['sync', 'async'] as const)('%s: a replica', (durability) => {
  it('is there from the genesis once, and goes on from its votes ever after', async () => {
    const first = await open({ durability });
    expect([first.start(), first.events]).toEqual([{ kind: 'genesis' }, []]);
    expect(existsSync(marker())).toBe(false);
    await close(first);
    const second = await open({ durability });
    expect(second.start()).toMatchObject({ kind: 'recovered', records: [genesis], state: null });
    const { stored } = listen(second);
    second.storage.append(1, vote, false);
    await stored(1);
    await close(second);
    const third = await open({ durability, nowMs: 6_000 });
    expect(third.start()).toMatchObject({ kind: 'recovered', records: [genesis, vote], startedAt: 6_000 });
  });

  it('keeps the state of a checkpoint, and forgets what it covers', async () => {
    const first = await open({ durability });
    const { stored, saved } = listen(first);
    const slot = (number: number): LogRecord => ({
      kind: 'checkpoint',
      sequenceNumber: sequenceNumber(number),
      stateDigest: genesisDigest,
    });
    const maker = new StateMaker();
    const genesisDigest = maker.next().certificate.stateDigest;
    first.storage.append(1, slot(256), false);
    await stored(1);
    maker.application.put(1, Uint8Array.of(1));
    const state = maker.next();
    first.storage.saveState(state);
    expect(await saved).toBe(256);
    first.storage.truncate(sequenceNumber(256));
    first.storage.append(2, slot(384), false);
    await stored(2);
    await close(first);
    const start = (await open({ durability })).start();
    expect(start).toMatchObject({ kind: 'recovered', records: [genesis, slot(384)] });
    expect(start.kind === 'recovered' && start.state).toStrictEqual(expected(state));
  });

  it('takes the genesis for done that a crash left half done', async () => {
    await close(await open({ durability }));
    mark();
    const again = await open({ durability });
    expect(again.start()).toMatchObject({ kind: 'recovered', records: [genesis] });
    expect(existsSync(marker())).toBe(false);
  });

  it('does not believe a marker that was put back', async () => {
    await live({ durability });
    mark();
    expect((await open({ durability })).start()).toMatchObject({ records: [genesis, vote] });
    expect(existsSync(marker())).toBe(false);
  });

  it('does not start without a vote log unless told to, and then as an observer', async () => {
    rmSync(marker());
    await expect(open({ durability })).rejects.toMatchObject({
      code: 'DATA_DIRECTORY_EMPTY',
      message: expect.stringContaining('--rejoin') as string,
    });
    const found = await open({ durability, isRejoining: true });
    const start = found.start();
    expect(start).toMatchObject({ kind: 'recovered', records: [observer], state: null, startedAt: 5_000 });
    expect(start.kind === 'recovered' && start.nonce).toHaveLength(16);
    await close(found);
    expect((await open({ durability })).start()).toMatchObject({ records: [observer] });
  });

  it('recovers with --rejoin and --repair where nothing is wrong', async () => {
    await live({ durability });
    const found = await open({ durability, isRejoining: true, isRepairing: true });
    expect(found.start()).toMatchObject({ records: [genesis, vote] });
    expect(found.events).toEqual([]);
  });

  it('does not start with a damaged vote log unless told to, and then as an observer with its state', async () => {
    const first = await open({ durability });
    const state = new StateMaker().next();
    const { saved } = listen(first);
    first.storage.saveState(state);
    await saved;
    await close(first);
    damageVotes();
    await expect(open({ durability, isRejoining: true })).rejects.toMatchObject({ code: 'VOTE_LOG_DAMAGED' });
    const found = await open({ durability, isRepairing: true });
    expect(found.events).toMatchObject([
      { event: 'vote-log-damaged', fields: { keptAs: `${votes()}.damaged-1` } },
    ]);
    expect(found.start()).toMatchObject({ records: [observer], state: { certificate: state.certificate } });
    await close(found);
    // Where the lost log ended does not count any more.
    expect((await open({ durability })).start()).toMatchObject({ records: [observer] });
  });

  it('notices a vote log that is older than its state', async () => {
    await live({ durability });
    cpSync(votes(), join(dataDir, 'old'), { recursive: true });
    const found = await open({ durability });
    const { stored, saved } = listen(found);
    found.storage.append(1, vote, false);
    await stored(1);
    found.storage.saveState(new StateMaker().next());
    await saved;
    await close(found);
    rmSync(votes(), { recursive: true });
    cpSync(join(dataDir, 'old'), votes(), { recursive: true });
    await expect(open({ durability })).rejects.toMatchObject({ code: 'VOTE_LOG_DAMAGED' });
    rmSync(votes(), { recursive: true });
    mark();
    await expect(open({ durability })).rejects.toMatchObject({ code: 'VOTE_LOG_DAMAGED' });
    expect(existsSync(marker())).toBe(true);
  });

  it('has its data directory for itself', async () => {
    const first = await open({ durability });
    await expect(open({ durability })).rejects.toMatchObject({ code: 'DATA_DIRECTORY_IN_USE' });
    await close(first);
    await open({ durability });
  });

  it('keeps nothing locked that could not be opened', async () => {
    await live({ durability });
    damageVotes();
    for (let i = 0; i < 2; i++)
      await expect(open({ durability })).rejects.toMatchObject({ code: 'VOTE_LOG_DAMAGED' });
  });

  it('is not stopped by a damaged lock', async () => {
    await close(await open({ durability }));
    for (const name of readdirSync(join(dataDir, 'lock')))
      writeFileSync(join(dataDir, 'lock', name), 'nonsense');
    await open({ durability });
    await expect(open({ durability })).rejects.toMatchObject({ code: 'DATA_DIRECTORY_IN_USE' });
  });

  it('does not save a state any more that was to be saved when it is closed', async () => {
    const found = await open({ durability, replica: replicaId(9) });
    found.storage.saveState(new StateMaker().next());
    await close(found);
    expect((await open({ durability })).start()).toMatchObject({ state: null });
  });
});

describe('async', () => {
  /** The directory as a kill at this moment leaves it. */
  async function killed(): Promise<void> {
    const image = join(dataDir, 'image');
    const found = await open({ durability: 'async' });
    const { stored } = listen(found);
    found.storage.append(1, vote, false);
    await stored(1);
    mkdirSync(image);
    for (const name of readdirSync(dataDir)) {
      if (name !== 'image' && name !== 'lock')
        cpSync(join(dataDir, name), join(image, name), { recursive: true });
    }
    await close(found);
    for (const name of readdirSync(image)) {
      rmSync(join(dataDir, name), { recursive: true, force: true });
      cpSync(join(image, name), join(dataDir, name), { recursive: true });
    }
    rmSync(image, { recursive: true });
  }

  it.each(['sync', 'async'] as const)('survives a killed process, then %s', async (durability) => {
    await killed();
    expect((await open({ durability })).start()).toMatchObject({ records: [genesis, vote] });
  });

  it.each(['sync', 'async'] as const)('is an observer after a power cut, then %s', async (durability) => {
    await killed();
    const found = await open({ durability, bootId: 'another boot' });
    expect(found.start()).toMatchObject({ kind: 'recovered', records: [observer] });
    expect(found.events).toMatchObject([{ event: 'vote-log-unsure' }]);
    await close(found);
    // Not a second time.
    const again = await open({ durability, bootId: 'a third boot' });
    expect([again.start(), again.events]).toMatchObject([{ records: [observer] }, []]);
  });

  it('takes every kill for a power cut where the system does not tell', async () => {
    await killed();
    expect((await open({ durability: 'async', bootId: null })).start()).toMatchObject({
      records: [observer],
    });
  });

  it('keeps its word through a boot when it was closed before', async () => {
    await live({ durability: 'async' });
    const found = await open({ durability: 'async', bootId: 'another boot' });
    expect([found.start(), found.events]).toMatchObject([{ records: [genesis, vote] }, []]);
  });
});

describe('memory', () => {
  it('is there from the genesis once, and an observer ever after', async () => {
    const first = await open({ durability: 'memory' });
    // Until the replica is about to act.
    expect(existsSync(marker())).toBe(true);
    expect(first.start()).toEqual({ kind: 'genesis' });
    expect(existsSync(marker())).toBe(false);
    const nonces: unknown[] = [];
    for (let i = 0; i < 2; i++) {
      const start = (await open({ durability: 'memory', nowMs: 6_000 })).start();
      expect(start).toMatchObject({ kind: 'observer', startedAt: 6_000 });
      if (start.kind === 'observer') nonces.push([...start.nonce].join());
    }
    // Fresh at every start, though the clock stands still.
    expect(new Set(nonces).size).toBe(2);
  });

  it('leaves a vote log alone', async () => {
    await live();
    await expect(open({ durability: 'memory' })).rejects.toMatchObject({ code: 'DURABILITY_MISMATCH' });
  });

  it('counts as a lost vote log afterwards', async () => {
    (await open({ durability: 'memory' })).start();
    await expect(open()).rejects.toMatchObject({ code: 'DATA_DIRECTORY_EMPTY' });
  });
});
