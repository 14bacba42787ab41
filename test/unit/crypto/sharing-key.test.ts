/** Files of sharing keys (DESIGN section 7): what goes in comes out, and nothing else is taken for one. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InvalidInputError, toHex } from '../../../src/base/index.js';
import {
  createClusterMaterial,
  createShareKey,
  formatSharingKey,
  loadGroup,
  readSharingKey,
} from '../../../src/crypto/index.js';

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'theodora-sharing-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

function written(text: string, mode = 0o600): string {
  const path = join(directory, 'sharing.key');
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

function refusalOf(path: string): InvalidInputError {
  try {
    readSharingKey(path);
  } catch (error) {
    if (error instanceof InvalidInputError) return error;
    throw error;
  }
  throw new Error('was not refused');
}

const secret = new Uint8Array(32).fill(7);
const text = formatSharingKey({ generation: 3, secret });

describe('a sharing key', () => {
  test('comes back from its file with its generation', () => {
    expect(readSharingKey(written(text))).toEqual({ generation: 3, secret });
  });

  test('of a new cluster fits the public key in the cluster file, at every replica', async () => {
    const hosts = [1, 2, 3, 4].map((port) => `localhost:${port}`);
    const { description, files } = await createClusterMaterial({ hosts, now: new Date(0) });
    const group = await loadGroup();
    expect(description.keyGeneration).toBe(1);
    for (const { id, sharingKey } of description.replicas) {
      const file = files.find(({ path }) => path === `replica-${id}/sharing.key`)!;
      const read = readSharingKey(written(file.content));
      expect(read.generation).toBe(1);
      expect(toHex(createShareKey(group, read.secret)!.publicKey)).toBe(sharingKey);
    }
  });

  test.each([
    ['readable by others', () => written(text, 0o640), 'KEY_FILE_PERMISSIONS'],
    ['missing', () => join(directory, 'none.key'), 'KEY_FILE_MISSING'],
    ['empty', () => written(''), 'KEY_FILE_MALFORMED'],
    ['cut short', () => written(text.replace(/A/, '')), 'KEY_FILE_MALFORMED'],
    ['of a later format', () => written(text.replace('\nAQ', '\nAg')), 'KEY_FILE_MALFORMED'],
    ['another key', () => written(text.replaceAll('SHARING', 'PRIVATE')), 'KEY_FILE_MALFORMED'],
  ])('that is %s is refused, naming the file and nothing that is in it', (_, make, code) => {
    const path = make();
    const error = refusalOf(path);
    expect(error.code).toBe(code);
    expect(error.message).toContain(path);
    expect(error.message).not.toContain('BwcHBw');
  });
});
