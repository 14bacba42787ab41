/**
 * Gives a data directory that holds nothing the state of a snapshot, as if the replica had saved it and voted for nothing
 * since. To be done at every replica of a cluster, from the same file, and at none while others still have their votes:
 * this replica will vote as one that has never voted above the snapshot (docs/operations.md). Prepared in a folder of its
 * own and moved into place at the end, votes last, so that a restore that breaks off leaves nothing that starts.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidInputError } from '../../base/index.js';
import type { LogRecord } from '../../codec/index.js';
import type { StateToSave } from '../../ordering/index.js';
import { lockDirectory } from './directory-lock.js';
import { NodeLogFiles } from './node-log-files.js';
import { openVoteLog } from './open-vote-log.js';
import { voteLogDirectoryName } from './open-storage.js';
import { openPages, pagesDirectoryName } from './page-loader.js';
import { syncDirectory } from './put-aside.js';
import { takeGenesisMarker } from './start.js';

const stagingName = 'restoring';

const isUsed = (path: string): boolean => existsSync(path) && readdirSync(path).length > 0;

function checkIsEmpty(dataDir: string): void {
  if (!existsSync(dataDir)) {
    throw new InvalidInputError(
      'DATA_DIR_MISSING',
      `${dataDir}: no such directory. Use the folder replica-N that \`theodora init\` made, with the replica's keys in it.`,
      { path: dataDir },
    );
  }
  const used = [voteLogDirectoryName, pagesDirectoryName]
    .map((name) => join(dataDir, name))
    .find((path) => isUsed(path));
  if (used === undefined) return;
  throw new InvalidInputError(
    'DATA_DIRECTORY_USED',
    `${used} is there: this replica has votes or a state of its own. A snapshot is restored only where all replicas have lost theirs; then move ${voteLogDirectoryName}/ and ${pagesDirectoryName}/ away at every replica. If others still run, start this one with --rejoin instead.`,
    { path: used },
  );
}

/** Resolves to where the log ends. */
async function writeVotes(path: string, records: readonly LogRecord[]): Promise<Uint8Array> {
  const newLogId = new Uint8Array(randomBytes(16));
  const { log } = openVoteLog(new NodeLogFiles(path), { expectAtLeast: null, newLogId });
  await new Promise<void>((resolve, reject) => {
    log.listen({
      stored: (number) => {
        if (number === records.length) resolve();
      },
      failed: reject,
    });
    for (const [index, record] of records.entries()) log.append(index + 1, record, false);
  });
  const { position } = log;
  await new Promise<void>((resolve) => log.close(resolve));
  return position;
}

/**
 * @throws InvalidInputError DATA_DIR_MISSING, DATA_DIRECTORY_USED, DATA_DIRECTORY_IN_USE; TheodoraError
 * STORAGE_UNUSABLE, VOTE_LOG_FAILED; the file system's errors. The replica does not start then until it has worked.
 */
export async function restoreState(dataDir: string, state: StateToSave): Promise<void> {
  checkIsEmpty(dataDir);
  const lock = await lockDirectory(dataDir);
  try {
    checkIsEmpty(dataDir);
    const staging = join(dataDir, stagingName);
    await rm(staging, { recursive: true, force: true });
    await mkdir(staging, { mode: 0o700 });
    const { certificate } = state;
    const position = await writeVotes(join(staging, voteLogDirectoryName), [
      { kind: 'started', as: 'genesis' },
      { kind: 'stableCheckpoint', certificate },
    ]);
    const { store } = await openPages(staging, true);
    try {
      await store.save(state, () => position);
    } finally {
      await store.close();
    }
    await syncDirectory(staging);
    // With it, this would be a first start.
    takeGenesisMarker(dataDir);
    for (const name of [pagesDirectoryName, voteLogDirectoryName]) {
      // Empty, if there is one.
      await rm(join(dataDir, name), { recursive: true, force: true });
      await rename(join(staging, name), join(dataDir, name));
      await syncDirectory(dataDir);
    }
    await rm(staging, { recursive: true, force: true });
  } finally {
    await lock.release();
  }
}
