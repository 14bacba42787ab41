/** A data directory that a snapshot is restored to: the replica starts from it as if it had saved it itself. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { replicaId } from '../../src/base/index.js';
import { openStorage, type OpenStorageOptions } from '../../src/replica/storage/open-storage.js';
import { restoreState } from '../../src/replica/storage/restore-state.js';
import { expected, StateMaker } from '../support/saved-states.js';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'theodora-data-'));
  writeFileSync(join(dataDir, 'replica.key'), 'key');
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

const maker = new StateMaker();
maker.ordering.put(0, Uint8Array.of(1));
for (let page = 0; page < 3_000; page++) maker.application.put(page, new Uint8Array(50).fill(page));
const state = maker.next();
const { certificate } = state;

const options = (): OpenStorageOptions => ({
  dataDir,
  durability: 'sync',
  replica: replicaId(0),
  nowMs: 5_000,
});

async function startOf(): Promise<unknown> {
  const { storage, start, events } = await openStorage(options());
  await storage.close();
  expect(events).toEqual([]);
  return start();
}

const restored = {
  kind: 'recovered',
  records: [
    { kind: 'started', as: 'genesis' },
    { kind: 'stableCheckpoint', certificate },
  ],
};

describe('a restored replica', () => {
  it('starts from the state, with its votes in order, again and again', async () => {
    await restoreState(dataDir, state);
    expect(readdirSync(dataDir).sort()).toEqual(['lock', 'pages', 'replica.key', 'votes']);
    for (let life = 0; life < 2; life++) {
      const start = await startOf();
      expect(start).toMatchObject(restored);
      expect((start as { state: unknown }).state).toStrictEqual(expected(state));
    }
  });

  it('is not there from the genesis, whatever marker lay there', async () => {
    writeFileSync(join(dataDir, 'genesis'), '');
    await restoreState(dataDir, state);
    expect(existsSync(join(dataDir, 'genesis'))).toBe(false);
    expect(await startOf()).toMatchObject(restored);
  });

  it.each(['votes', 'pages'])('has no other data: not its old %s either', async (name) => {
    await restoreState(dataDir, state);
    const before = readdirSync(join(dataDir, name)).sort();
    for (const other of ['votes', 'pages'])
      if (other !== name) rmSync(join(dataDir, other), { recursive: true });
    await expect(restoreState(dataDir, state)).rejects.toMatchObject({ code: 'DATA_DIRECTORY_USED' });
    if (name === 'votes') expect(readdirSync(join(dataDir, name)).sort()).toEqual(before);
    else await expect(openStorage(options())).rejects.toMatchObject({ code: 'DATA_DIRECTORY_EMPTY' });
  });

  it('has a directory', async () => {
    const missing = join(dataDir, 'none');
    await expect(restoreState(missing, state)).rejects.toMatchObject({ code: 'DATA_DIR_MISSING' });
    expect(existsSync(missing)).toBe(false);
  });

  it('does not run meanwhile', async () => {
    await restoreState(dataDir, state);
    const { storage } = await openStorage(options());
    rmSync(join(dataDir, 'votes'), { recursive: true });
    rmSync(join(dataDir, 'pages'), { recursive: true });
    await expect(restoreState(dataDir, state)).rejects.toMatchObject({ code: 'DATA_DIRECTORY_IN_USE' });
    await storage.close().catch(() => undefined);
  });

  it('does not start when the restore broke off, and can be restored then', async () => {
    const staging = join(dataDir, 'restoring');
    mkdirSync(staging);
    await restoreState(dataDir, state);
    for (const name of ['votes', 'pages']) {
      mkdirSync(staging, { recursive: true });
      rmSync(join(staging, name), { recursive: true, force: true });
      rmSync(join(dataDir, name), { recursive: true });
    }
    await expect(openStorage(options())).rejects.toMatchObject({ code: 'DATA_DIRECTORY_EMPTY' });
    await restoreState(dataDir, state);
    expect(await startOf()).toMatchObject(restored);
  });
});
