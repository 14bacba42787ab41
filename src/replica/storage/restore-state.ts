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

function checkDirectory(dataDir: string): void {
  if (existsSync(dataDir)) return;
  throw new InvalidInputError(
    'DATA_DIR_MISSING',
    `${dataDir}: no such directory. Use the folder replica-N that \`theodora init\` made, with the replica's keys in it.`,
    { path: dataDir },
  );
}

/** What a start without a vote log leaves behind is nothing: pages without a state. */
async function hasState(dataDir: string): Promise<boolean> {
  if (!existsSync(join(dataDir, pagesDirectoryName))) return false;
  const { store, state } = await openPages(dataDir, true);
  await store.close();
  return state !== null;
}

async function checkIsEmpty(dataDir: string): Promise<void> {
  const votes = join(dataDir, voteLogDirectoryName);
  const hasVotes = existsSync(votes) && readdirSync(votes).length > 0;
  if (!hasVotes && !(await hasState(dataDir))) return;
  const path = hasVotes ? votes : join(dataDir, pagesDirectoryName);
  throw new InvalidInputError(
    'DATA_DIRECTORY_USED',
    `${path} is there: this replica has votes or a state of its own. A snapshot is restored only where all replicas have lost theirs; then move ${voteLogDirectoryName}/ and ${pagesDirectoryName}/ away at every replica. If others still run, start this one with --rejoin instead.`,
    { path },
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
  checkDirectory(dataDir);
  const lock = await lockDirectory(dataDir);
  try {
    await checkIsEmpty(dataDir);
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
      // Without anything in it, if it is there.
      await rm(join(dataDir, name), { recursive: true, force: true });
      await rename(join(staging, name), join(dataDir, name));
      await syncDirectory(dataDir);
    }
    await rm(staging, { recursive: true, force: true });
  } finally {
    await lock.release();
  }
}
