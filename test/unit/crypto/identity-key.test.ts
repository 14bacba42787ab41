/** Key files: what is refused, and that a refusal names the file and the remedy but nothing of the key. */
import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InvalidInputError } from '../../../src/base/index.js';
import { generateIdentityKey, identityKeyFromPem, readIdentityKey } from '../../../src/crypto/index.js';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'theodora-keys-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

function refusal(action: () => unknown): InvalidInputError {
  try {
    action();
  } catch (error) {
    if (error instanceof InvalidInputError) return error;
    throw error;
  }
  throw new Error('was not refused');
}

function keyFile(name: string, content: string, mode = 0o600): string {
  const path = join(directory, name);
  writeFileSync(path, content, { mode });
  chmodSync(path, mode);
  return path;
}

describe('readIdentityKey', () => {
  test('reads a file that only its owner can read', () => {
    const { key, pem } = generateIdentityKey();
    for (const mode of [0o600, 0o400]) {
      expect(readIdentityKey(keyFile(`good-${mode}.key`, pem, mode)).publicKey).toBe(key.publicKey);
    }
  });

  test.each([0o640, 0o604, 0o620, 0o602, 0o644, 0o666])('refuses mode %o', (mode) => {
    const path = keyFile(`open-${mode}.key`, generateIdentityKey().pem, mode);
    const error = refusal(() => readIdentityKey(path));
    expect(error.code).toBe('KEY_FILE_PERMISSIONS');
    expect(error.message).toContain(`chmod 600 ${path}`);
    expect(error.fields).toEqual({ path });
  });

  test('names a missing file', () => {
    const path = join(directory, 'nowhere', 'identity.key');
    const error = refusal(() => readIdentityKey(path));
    expect(error.code).toBe('KEY_FILE_MISSING');
    expect(error.message).toContain(path);
    expect(error.message).toContain('theodora init');
  });

  test('refuses a directory and a file that is far too large', () => {
    mkdirSync(join(directory, 'folder.key'), { mode: 0o700 });
    expect(refusal(() => readIdentityKey(join(directory, 'folder.key'))).code).toBe('KEY_FILE_MALFORMED');
    const large = keyFile('large.key', 'x'.repeat(1 << 20));
    expect(refusal(() => readIdentityKey(large)).code).toBe('KEY_FILE_MALFORMED');
  });

  test('refuses what is no Ed25519 private key, and repeats nothing of it', () => {
    const { pem } = generateIdentityKey();
    const body = pem.split('\n')[1]!;
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const encrypted = generateKeyPairSync('ed25519').privateKey.export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'secret',
    });
    const contents = [
      '',
      'not a key',
      body,
      pem.slice(0, -40),
      pem.replace(body, `${body.slice(0, 20)}${body.slice(24)}`),
      generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      ec.export({ type: 'pkcs8', format: 'pem' }).toString(),
      encrypted.toString(),
    ];
    contents.forEach((content, i) => {
      const path = keyFile(`bad-${i}.key`, content);
      const error = refusal(() => readIdentityKey(path));
      expect([i, error.code]).toEqual([i, 'KEY_FILE_MALFORMED']);
      expect(error.message.startsWith(`${path}: `)).toBe(true);
      const told = `${error.message}${String(error.cause)}${error.stack ?? ''}`;
      for (const line of content.split('\n')) {
        if (line.length > 20 && !line.startsWith('-----')) expect(told).not.toContain(line.slice(0, 12));
      }
    });
  });
});

test('identityKeyFromPem names the file it was told', () => {
  const error = refusal(() => identityKeyFromPem('nonsense', 'clients/alice/identity.key'));
  expect(error.message).toContain('clients/alice/identity.key');
  expect(error.fields).toEqual({ path: 'clients/alice/identity.key' });
});

test('a key object shows nothing of the private key', () => {
  const { key } = generateIdentityKey();
  expect(Object.keys(key).sort((a, b) => a.localeCompare(b))).toEqual(['agree', 'publicKey', 'sign']);
  expect(JSON.parse(JSON.stringify(key))).toEqual({ publicKey: key.publicKey });
});

describe('sign', () => {
  test('RFC 8032 §7.1, test 3: gives the one signature there is', () => {
    const seed = 'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7';
    const pkcs8 = Buffer.from(`302e020100300506032b657004220420${seed}`, 'hex');
    const pem = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }).export({
      format: 'pem',
      type: 'pkcs8',
    });
    const key = identityKeyFromPem(pem.toString(), 'test 3');
    expect(key.publicKey).toBe('fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025');
    expect(Buffer.from(key.sign(Uint8Array.of(0xaf, 0x82))).toString('hex')).toBe(
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
    );
  });

  test('says what node:crypto says, of whatever length', () => {
    const { key, pem } = generateIdentityKey();
    for (const length of [0, 1, 63, 64, 65, 1_000, 100_000]) {
      const bytes = Uint8Array.from({ length }, (_, index) => index & 0xff);
      expect(Buffer.from(key.sign(bytes))).toEqual(sign(null, bytes, pem));
    }
  });
});
