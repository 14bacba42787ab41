import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  cpSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { generateIdentityKey, leafLifetimeMs } from '../../../src/crypto/index.js';
import { connect } from '../../../src/client/index.js';
import type { ConnectOptions } from '../../../src/client/index.js';
import { loadIdentity } from '../../../src/client/identity.js';
import { adminKey, makeClusterFiles, tlsMaterial, type ClusterFiles } from '../../support/cluster-files.js';

let files: ClusterFiles;
beforeEach(async () => {
  files = await makeClusterFiles();
});
afterEach(() => files.remove());

const keyFile = (name: string): string => join(files.directory, 'clients/admin', name);
const load = (identity = 'admin') => loadIdentity({ cluster: files.clusterFile, identity });

function givenKeys() {
  const { key, certificate } = tlsMaterial(files, 'clients/admin');
  return { identityKey: adminKey(files), tlsKey: key, tlsCertificate: certificate };
}

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: unknown) => error,
  );

describe('an identity', () => {
  it('is found beside the cluster file', async () => {
    const { cluster, name, publicKey, keys } = await load();
    expect(cluster).toEqual(files.description);
    expect([name, publicKey]).toEqual(['admin', files.description.clients[0]!.publicKey]);
    expect(keys.identityKey.publicKey).toBe(publicKey);
  });

  it('may come with a description and keys instead of files', async () => {
    const identity = await loadIdentity({ cluster: files.description, identity: 'admin', keys: givenKeys() });
    expect(identity.publicKey).toBe(adminKey(files).publicKey);
    const missing = loadIdentity({ cluster: files.description, identity: 'admin' });
    expect(await failure(missing)).toMatchObject({ code: 'KEYS_MISSING' });
  });

  it('need not be in the cluster file: it may have been added by an ordered operation', async () => {
    cpSync(join(files.directory, 'clients/admin'), join(files.directory, 'clients/alice'), {
      recursive: true,
    });
    const { key, pem } = generateIdentityKey();
    writeFileSync(join(files.directory, 'clients/alice/identity.key'), pem, { mode: 0o600 });
    expect(await load('alice')).toMatchObject({ name: 'alice', publicKey: key.publicKey });
    const keys = { ...givenKeys(), identityKey: key };
    const given = await loadIdentity({ cluster: files.description, identity: 'bob', keys });
    expect(given).toMatchObject({ name: 'bob', publicKey: key.publicKey });
  });

  it.each(['', '.', '../admin', 'admin/', 'a'.repeat(65)])('%j is no name', async (name) => {
    expect(await failure(load(name))).toMatchObject({ code: 'CLIENT_NAME_INVALID' });
  });

  it('without keys is refused with those that are there and the remedy', async () => {
    const error = await failure(load('bob'));
    expect(error).toMatchObject({
      name: 'InvalidInputError',
      code: 'IDENTITY_UNKNOWN',
      fields: { identity: 'bob', known: ['admin'] },
    });
    expect(String(error)).toContain('theodora client add bob');
  });

  it('needs a cluster file', async () => {
    const error = await failure(loadIdentity({ cluster: '/nowhere/cluster.yaml', identity: 'admin' }));
    expect(error).toMatchObject({ code: 'CLUSTER_FILE_MISSING', fields: { path: '/nowhere/cluster.yaml' } });
    appendFileSync(files.clusterFile, '\nnonsense: 1\n');
    expect(await failure(load())).toMatchObject({ code: 'CLUSTER_FILE_INVALID' });
  });

  it.each([
    ['identity.key', 'KEY_FILE_MISSING'],
    ['tls.key', 'TLS_FILE_MISSING'],
    ['tls.crt', 'TLS_FILE_MISSING'],
  ])('without %s is refused with its path', async (name, code) => {
    rmSync(keyFile(name));
    expect(await failure(load())).toMatchObject({ code, fields: { path: keyFile(name) } });
  });

  it('with a key that others may read is refused', async () => {
    chmodSync(keyFile('identity.key'), 0o644);
    expect(await failure(load())).toMatchObject({ code: 'KEY_FILE_PERMISSIONS' });
  });

  it('with the key of somebody else is refused', async () => {
    writeFileSync(keyFile('identity.key'), generateIdentityKey().pem, { mode: 0o600 });
    expect(await failure(load())).toMatchObject({ code: 'IDENTITY_MISMATCH' });
  });

  it('with a TLS key and a certificate that do not belong together is refused, without words of the key', async () => {
    copyFileSync(join(files.directory, 'replica-0/tls.key'), keyFile('tls.key'));
    expect(await failure(load())).toMatchObject({ code: 'CERTIFICATE_MISMATCH' });
    writeFileSync(keyFile('tls.key'), 'SECRET');
    const error = await failure(load());
    expect(error).toMatchObject({ code: 'CERTIFICATE_MISMATCH' });
    expect(String(error)).not.toContain('SECRET');
    writeFileSync(keyFile('tls.crt'), 'garbage');
    expect(await failure(load())).toMatchObject({ code: 'CERTIFICATE_MALFORMED' });
  });

  it('with a certificate that has expired is refused (pitfall 14)', async () => {
    const old = await makeClusterFiles(4, new Date(Date.now() - leafLifetimeMs - 86_400_000));
    try {
      const error = await failure(loadIdentity({ cluster: old.clusterFile, identity: 'admin' }));
      expect(error).toMatchObject({ code: 'CERTIFICATE_EXPIRED' });
    } finally {
      old.remove();
    }
  });
});

describe('connect refuses, before it opens any connection,', () => {
  it.each([
    ['no options', undefined, 'INVALID_OPTION'],
    ['an unknown option', { retries: 3 }, 'UNKNOWN_OPTION'],
    ['a cluster that is none', { cluster: 7 }, 'INVALID_OPTION'],
    ['no cluster', { cluster: null }, 'INVALID_OPTION'],
    ['no identity', { identity: undefined }, 'INVALID_OPTION'],
    ['a wrong time-out', { timeoutMs: -1 }, 'INVALID_OPTION'],
    ['a wrong signal', { signal: 'stop' }, 'INVALID_OPTION'],
    ['an unknown identity', { identity: 'bob' }, 'IDENTITY_UNKNOWN'],
  ])('%s', async (_what, wrong, code) => {
    const options = wrong && ({ cluster: files.clusterFile, identity: 'admin', ...wrong } as ConnectOptions);
    const error = await failure(connect(options as ConnectOptions));
    expect(error).toMatchObject({ name: 'InvalidInputError', code });
  });

  it('an aborted signal', async () => {
    const reason = new Error('changed my mind');
    const options = { cluster: files.clusterFile, identity: 'admin', signal: AbortSignal.abort(reason) };
    expect(await failure(connect(options))).toBe(reason);
  });
});

it('the private key is in no property of an identity', async () => {
  const pem = readFileSync(keyFile('identity.key'), 'utf8');
  const { keys } = await load();
  expect(JSON.stringify(keys.identityKey)).not.toContain(pem.split('\n')[1]!);
});
