/**
 * A cluster's directory: cluster file, certificates and keys. Written once and as a whole, under another name
 * until complete, so that an interrupted `init` leaves no half cluster; keys are never overwritten. What the
 * files hold is made by the crypto room.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { InvalidInputError } from '../base/index.js';
import type { MaterialFile } from '../crypto/index.js';
import { clusterFileName } from './config.js';

/** A file to write, content and all. */
export interface NewFile extends Omit<MaterialFile, 'content'> {
  readonly content: string | Uint8Array;
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === code;
}

function writeNew(path: string, content: string | Uint8Array, mode: number): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const descriptor = openSync(path, 'wx', mode);
  try {
    writeFileSync(descriptor, content);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Throws InvalidInputError CLUSTER_EXISTS or DIRECTORY_NOT_EMPTY {path}. */
export function checkDirectoryIsFree(directory: string): void {
  if (existsSync(join(directory, clusterFileName))) {
    throw new InvalidInputError(
      'CLUSTER_EXISTS',
      `${directory} holds a cluster already; its keys are not overwritten. Choose another directory.`,
      { path: directory },
    );
  }
  if (existsSync(directory) && readdirSync(directory).length > 0) {
    throw new InvalidInputError(
      'DIRECTORY_NOT_EMPTY',
      `${directory} is not empty. Choose a directory that is new or empty.`,
      { path: directory },
    );
  }
}

/** Writes a new cluster's files and returns the path of its cluster file. Throws as checkDirectoryIsFree. */
export function writeClusterDirectory(directory: string, files: readonly MaterialFile[]): string {
  checkDirectoryIsFree(directory);
  const target = resolve(directory);
  const draft = `${target}.new-${randomBytes(6).toString('hex')}`;
  mkdirSync(draft, { recursive: true, mode: 0o700 });
  try {
    for (const { path, content, mode } of files) writeNew(join(draft, path), content, mode);
    renameSync(draft, target);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    // Somebody else was quicker: the check above names it.
    if (isErrno(error, 'ENOTEMPTY') || isErrno(error, 'EEXIST')) checkDirectoryIsFree(directory);
    throw error;
  }
  return join(directory, clusterFileName);
}

/** Throws InvalidInputError FILE_EXISTS {path}. */
export function checkFilesAreNew(directory: string, files: readonly NewFile[]): void {
  const taken = files.find(({ path }) => existsSync(join(directory, path)));
  if (taken === undefined) return;
  const path = join(directory, taken.path);
  throw new InvalidInputError(
    'FILE_EXISTS',
    `${path} exists already and keys are not overwritten. If nobody needs it, remove it.`,
    { path },
  );
}

/** Adds files to a cluster's directory, all or none; none may exist. Throws InvalidInputError FILE_EXISTS {path}. */
export function addFiles(directory: string, files: readonly NewFile[]): void {
  checkFilesAreNew(directory, files);
  const written: NewFile[] = [];
  try {
    for (const file of files) {
      writeNew(join(directory, file.path), file.content, file.mode);
      written.push(file);
    }
  } catch (error) {
    removeFiles(directory, written);
    // Somebody else was quicker: the check above names it.
    if (isErrno(error, 'EEXIST')) checkFilesAreNew(directory, files);
    throw error;
  }
}

/** Removes files that `addFiles` added, and the folders that they leave empty. */
export function removeFiles(directory: string, files: readonly NewFile[]): void {
  for (const { path } of files) rmSync(join(directory, path), { force: true });
  for (const folder of new Set(files.map(({ path }) => dirname(join(directory, path))))) {
    if (existsSync(folder) && readdirSync(folder).length === 0) rmdirSync(folder);
  }
}

export function readClusterText(clusterFile: string): string {
  try {
    return readFileSync(clusterFile, 'utf8');
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
    throw new InvalidInputError(
      'CLUSTER_FILE_MISSING',
      `there is no cluster file ${clusterFile}. Start a cluster with \`theodora up\`, or name one with --cluster.`,
      { path: clusterFile },
      error,
    );
  }
}
