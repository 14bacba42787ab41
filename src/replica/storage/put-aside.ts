/** Files that cannot be used are kept for analysis, under another name; nothing here deletes anything. */
import { existsSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Makes what was created, renamed or removed in a directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Renames to the first free of `path.damaged-1`, `-2`, …, durably; returns the new path. */
export async function putAside(path: string): Promise<string> {
  let number = 1;
  while (existsSync(`${path}.damaged-${number}`)) number++;
  const target = `${path}.damaged-${number}`;
  await rename(path, target);
  await syncDirectory(dirname(path));
  return target;
}
