/** TLS material: chains, names, usages, dates and pins, judged by OpenSSL and by real handshakes. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:tls';
import { beforeAll, describe, expect, test } from 'vitest';
import { InvalidInputError, replicaId } from '../../../src/base/index.js';
import { authorityLifetimeMs, backdatingMs, leafLifetimeMs } from '../../../src/crypto/index.js';
import { certificateExpiry, createClientMaterial, createClusterMaterial } from '../../../src/crypto/index.js';
import { identityKeyFromPem, parseClusterFile, renewCertificate } from '../../../src/crypto/index.js';
import { replicaServerName, sha256, spkiFingerprint } from '../../../src/crypto/index.js';
import type { ClusterDescription, MaterialFile } from '../../../src/crypto/index.js';

interface Material {
  readonly description: ClusterDescription;
  readonly files: readonly MaterialFile[];
}

const now = new Date('2030-05-06T07:08:09.123Z');
const yearMs = 365 * 86_400_000;
const hosts = ['localhost:7000', '127.0.0.1:7001', '[2001:db8::a:1]:7002', 'node-3.example.org:7003'];

let material: Material;
let foreign: Material;
const content = ({ files }: { files: readonly MaterialFile[] }, path: string): string =>
  files.find((file) => file.path === path)!.content;
const certificate = (of: Material, path: string): X509Certificate => new X509Certificate(content(of, path));

beforeAll(async () => {
  material = await createClusterMaterial({ hosts, now });
  foreign = await createClusterMaterial({ hosts, now });
});

function refusal(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof InvalidInputError) return error.code;
    throw error;
  }
  return 'was not refused';
}

describe('files of a new cluster', () => {
  test('are these, secrets readable by their owner only', () => {
    const replica = (id: number): string[][] => [
      [`replica-${id}/replica.key`, '600'],
      [`replica-${id}/sharing.key`, '600'],
      [`replica-${id}/tls.key`, '600'],
      [`replica-${id}/tls.crt`, '644'],
      [`replica-${id}/genesis`, '600'],
    ];
    expect(material.files.map(({ path, mode }) => [path, mode.toString(8)])).toEqual([
      ['cluster.yaml', '644'],
      ['ca/ca.key', '600'],
      ['ca/ca.crt', '644'],
      ...[0, 1, 2, 3].flatMap(replica),
      ['clients/admin/identity.key', '600'],
      ['clients/admin/tls.key', '600'],
      ['clients/admin/tls.crt', '644'],
    ]);
    for (const { content: text, mode } of material.files) {
      if (/PRIVATE KEY|SHARING KEY/.test(text)) expect(mode).toBe(0o600);
    }
  });

  test('agree with the description', () => {
    const { description } = material;
    expect(parseClusterFile(content(material, 'cluster.yaml'), 'c')).toEqual(description);
    expect(description.certificateAuthority).toBe(content(material, 'ca/ca.crt'));
    description.replicas.forEach(({ id, address, publicKey, tlsFingerprint }) => {
      expect(address).toBe(hosts[id]);
      expect(identityKeyFromPem(content(material, `replica-${id}/replica.key`), 'k').publicKey).toBe(
        publicKey,
      );
      expect(spkiFingerprint(certificate(material, `replica-${id}/tls.crt`).raw)).toBe(tlsFingerprint);
      expect(content(material, `replica-${id}/genesis`)).toBe('');
    });
    const admin = identityKeyFromPem(content(material, 'clients/admin/identity.key'), 'k');
    expect(description.clients).toEqual([{ name: 'admin', publicKey: admin.publicKey }]);
  });

  test('share no key and no serial number, within or between clusters (pitfalls 14, 32)', () => {
    const all = [...material.files, ...foreign.files];
    const keys = all.filter(({ path }) => path.endsWith('.key')).map(({ content: pem }) => pem);
    const serials = all
      .filter(({ path }) => path.endsWith('.crt'))
      .map(({ content: pem }) => new X509Certificate(pem).serialNumber);
    expect(new Set(keys).size).toBe(2 * (1 + 3 * 4 + 2));
    expect(new Set(serials).size).toBe(2 * 6);
    expect(foreign.description.clusterId).not.toBe(material.description.clusterId);
  });

  test.each([
    ['too few', hosts.slice(1)],
    ['a host twice', [...hosts, 'LOCALHOST:7000']],
    ['no port', [...hosts, 'a']],
    ['port 0', [...hosts, 'a:0']],
  ])('refuses hosts: %s', async (_, bad) => {
    await expect(createClusterMaterial({ hosts: bad, now })).rejects.toMatchObject({ code: 'HOSTS_INVALID' });
  });
});

describe('certificates', () => {
  const leaves = ['replica-0', 'replica-1', 'replica-2', 'replica-3', 'clients/admin'];

  test('chain to their own CA only', () => {
    const authority = certificate(material, 'ca/ca.crt');
    const stranger = certificate(foreign, 'ca/ca.crt');
    expect(authority.ca).toBe(true);
    expect(authority.checkIssued(authority)).toBe(true);
    expect(authority.verify(authority.publicKey)).toBe(true);
    expect(authority.checkPrivateKey(createPrivateKey(content(material, 'ca/ca.key')))).toBe(true);
    for (const leaf of leaves) {
      const issued = certificate(material, `${leaf}/tls.crt`);
      expect(issued.ca).toBe(false);
      expect(issued.checkIssued(authority)).toBe(true);
      expect(issued.verify(authority.publicKey)).toBe(true);
      expect(issued.checkIssued(stranger)).toBe(false);
      expect(issued.verify(stranger.publicKey)).toBe(false);
      expect(issued.checkPrivateKey(createPrivateKey(content(material, `${leaf}/tls.key`)))).toBe(true);
    }
  });

  test('name the host, the replica and the cluster; a client only by its common name', () => {
    const { clusterId } = material.description;
    const names = leaves.slice(0, 4).map((leaf) => certificate(material, `${leaf}/tls.crt`));
    names.forEach((issued, id) => {
      expect(issued.subject).toBe(`CN=replica-${id}`);
      expect(issued.checkHost(replicaServerName(replicaId(id), clusterId))).toBeDefined();
      expect(issued.checkHost(replicaServerName(replicaId((id + 1) % 4), clusterId))).toBeUndefined();
    });
    expect(names[0]!.checkHost('localhost')).toBe('localhost');
    expect(names[1]!.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(names[1]!.checkIP('127.0.0.2')).toBeUndefined();
    expect(names[2]!.checkIP('2001:db8::a:1')).toBe('2001:db8::a:1');
    expect(names[3]!.checkHost('node-3.example.org')).toBe('node-3.example.org');
    const admin = certificate(material, 'clients/admin/tls.crt');
    expect(admin.subject).toBe('CN=admin');
    expect(admin.subjectAltName).toBeUndefined();
  });

  test.each([
    ['::1', '0:0:0:0:0:0:0:1'],
    ['::', '0:0:0:0:0:0:0:0'],
    ['fe80::', 'FE80:0:0:0:0:0:0:0'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
    ['::ffff:1.2.3.4', '0:0:0:0:0:FFFF:102:304'],
  ])('IPv6 host %s', async (host, expected) => {
    const made = await createClusterMaterial({ hosts: [`[${host}]:1`, ...hosts], now });
    expect(certificate(made, 'replica-0/tls.crt').subjectAltName).toContain(`IP Address:${expected}`);
  });

  test('may be used for what they are for', () => {
    const serverAuth = '1.3.6.1.5.5.7.3.1';
    const clientAuth = '1.3.6.1.5.5.7.3.2';
    expect(certificate(material, 'replica-0/tls.crt').keyUsage).toEqual([serverAuth, clientAuth]);
    expect(certificate(material, 'clients/admin/tls.crt').keyUsage).toEqual([clientAuth]);
  });

  test('begin an hour back and last ten and two years, in whole seconds', () => {
    const whole = (time: number): number => Math.floor(time / 1000) * 1000;
    const ca = certificate(material, 'ca/ca.crt');
    const leaf = certificate(material, 'replica-0/tls.crt');
    for (const each of [ca, leaf])
      expect(Date.parse(each.validFrom)).toBe(whole(now.getTime() - backdatingMs));
    expect(Date.parse(ca.validTo)).toBe(whole(now.getTime() + authorityLifetimeMs));
    expect(certificateExpiry(content(material, 'replica-0/tls.crt')).getTime()).toBe(
      whole(now.getTime() + leafLifetimeMs),
    );
    expect([authorityLifetimeMs, leafLifetimeMs, backdatingMs]).toEqual([10 * yearMs, 2 * yearMs, 3_600_000]);
  });

  test('dates from 2050 on are right too (GeneralizedTime)', async () => {
    const late = await createClusterMaterial({ hosts, now: new Date('2049-06-01T00:00:00Z') });
    expect(certificateExpiry(content(late, 'replica-0/tls.crt')).toISOString()).toBe(
      '2051-06-01T00:00:00.000Z',
    );
    expect(certificateExpiry(content(late, 'ca/ca.crt')).getUTCFullYear()).toBe(2059);
  });

  test('certificateExpiry refuses what is no certificate', () => {
    expect(refusal(() => certificateExpiry('nonsense'))).toBe('CERTIFICATE_MALFORMED');
  });

  test('the pin is the hash of the public key, not of the certificate', () => {
    const issued = certificate(material, 'replica-0/tls.crt');
    const spki = issued.publicKey.export({ type: 'spki', format: 'der' });
    expect(spkiFingerprint(issued.raw)).toBe(sha256(spki));
  });
});

describe('one more client and renewal', () => {
  const authorityOf = (of: Material) => ({
    caKeyPem: content(of, 'ca/ca.key'),
    caCertPem: content(of, 'ca/ca.crt'),
  });

  test('a client gets its own keys and a certificate of the CA', async () => {
    const alice = await createClientMaterial({ name: 'alice', ...authorityOf(material), now });
    expect(alice.files.map(({ path, mode }) => [path, mode])).toEqual([
      ['clients/alice/identity.key', 0o600],
      ['clients/alice/tls.key', 0o600],
      ['clients/alice/tls.crt', 0o644],
    ]);
    expect(identityKeyFromPem(content(alice, 'clients/alice/identity.key'), 'k').publicKey).toBe(
      alice.publicKey,
    );
    const issued = new X509Certificate(content(alice, 'clients/alice/tls.crt'));
    expect(issued.verify(certificate(material, 'ca/ca.crt').publicKey)).toBe(true);
    expect(issued.subject).toBe('CN=alice');
  });

  test('refuses a bad name, mixed CAs, a leaf as CA, nonsense and an expired CA', async () => {
    const make = (name: string, authority: { caKeyPem: string; caCertPem: string }, at = now) =>
      createClientMaterial({ name, ...authority, now: at });
    const own = authorityOf(material);
    await expect(make('../alice', own)).rejects.toMatchObject({ code: 'CLIENT_NAME_INVALID' });
    const bad = [
      { ...own, caKeyPem: content(foreign, 'ca/ca.key') },
      { caKeyPem: content(material, 'replica-0/tls.key'), caCertPem: content(material, 'replica-0/tls.crt') },
      { ...own, caKeyPem: 'nonsense' },
      { ...own, caCertPem: 'nonsense' },
    ];
    for (const authority of bad)
      await expect(make('alice', authority)).rejects.toMatchObject({ code: 'CA_INVALID' });
    const late = new Date(now.getTime() + 11 * yearMs);
    await expect(make('alice', own, late)).rejects.toMatchObject({ code: 'CA_EXPIRED' });
  });

  test('a renewed certificate has new dates, the same key and pin, and may follow a new address', () => {
    const later = new Date(now.getTime() + yearMs);
    const { clusterId, replicas } = material.description;
    const renewed = renewCertificate({
      tlsKeyPem: content(material, 'replica-0/tls.key'),
      subject: { kind: 'replica', id: replicaId(0), host: '10.9.8.7', clusterId },
      ...authorityOf(material),
      now: later,
    });
    const issued = new X509Certificate(renewed);
    const old = certificate(material, 'replica-0/tls.crt');
    expect(spkiFingerprint(issued.raw)).toBe(replicas[0]!.tlsFingerprint);
    expect(issued.serialNumber).not.toBe(old.serialNumber);
    expect(issued.subject).toBe(old.subject);
    expect(issued.checkIP('10.9.8.7')).toBe('10.9.8.7');
    expect(Date.parse(issued.validTo) - Date.parse(old.validTo)).toBe(yearMs);
    expect(issued.verify(certificate(material, 'ca/ca.crt').publicKey)).toBe(true);
  });

  test('no leaf outlives its CA', () => {
    const renewed = renewCertificate({
      tlsKeyPem: content(material, 'clients/admin/tls.key'),
      subject: { kind: 'client', name: 'admin' },
      ...authorityOf(material),
      now: new Date(now.getTime() + 9 * yearMs),
    });
    expect(certificateExpiry(renewed)).toEqual(certificateExpiry(content(material, 'ca/ca.crt')));
  });

  test('renewal refuses a TLS key of another kind', () => {
    const subject = { kind: 'client', name: 'admin' } as const;
    const keys = ['nonsense', content(material, 'clients/admin/identity.key')];
    for (const tlsKeyPem of keys) {
      const renew = () => renewCertificate({ tlsKeyPem, subject, ...authorityOf(material), now });
      expect(refusal(renew)).toBe('KEY_FILE_MALFORMED');
    }
  });
});

interface Credentials {
  readonly key?: string;
  readonly cert?: string;
}

/**
 * One handshake in which both sides ask for a certificate. The server lets everyone in and tells its verdict
 * ("server: …"), so that the reasons can be told apart; the client's own refusal comes as its error.
 */
async function handshake(
  server: Required<Credentials>,
  ca: string,
  client: Credentials,
  servername: string,
): Promise<string> {
  const listener = createServer({ ...server, ca, requestCert: true, rejectUnauthorized: false });
  listener.on('secureConnection', (socket) => {
    socket.end(socket.authorized ? 'ok' : `server: ${String(socket.authorizationError)}`);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const socket = connect({ host: '127.0.0.1', port, ca, ...client, servername });
  let verdict = '';
  try {
    for await (const chunk of socket) verdict += String(chunk);
  } catch (error) {
    verdict = `client: ${(error as NodeJS.ErrnoException).code}`;
  } finally {
    socket.destroy();
    listener.close();
    await once(listener, 'close');
  }
  return verdict;
}

describe('TLS handshakes (pitfall 14)', () => {
  let own: Material;
  let other: Material;
  let expiredClient: Credentials;
  let expiredServer: Required<Credentials>;
  const today = new Date();
  const ago = new Date(today.getTime() - 3 * yearMs);
  const pair = (of: { files: readonly MaterialFile[] }, folder: string): Required<Credentials> => ({
    key: content(of, `${folder}/tls.key`),
    cert: content(of, `${folder}/tls.crt`),
  });
  const name = (): string => replicaServerName(replicaId(0), own.description.clusterId);
  const ca = (): string => own.description.certificateAuthority;

  beforeAll(async () => {
    own = await createClusterMaterial({ hosts, now: today });
    other = await createClusterMaterial({ hosts, now: today });
    const authority = { caKeyPem: content(own, 'ca/ca.key'), caCertPem: ca() };
    expiredClient = pair(await createClientMaterial({ name: 'old', ...authority, now: ago }), 'clients/old');
    const { key } = pair(own, 'replica-0');
    const subject = { kind: 'replica', id: replicaId(0), host: 'localhost', ...own.description } as const;
    expiredServer = { key, cert: renewCertificate({ tlsKeyPem: key, subject, ...authority, now: ago }) };
  });

  test('client and replica certificates of the cluster are accepted', async () => {
    const server = pair(own, 'replica-0');
    expect(await handshake(server, ca(), pair(own, 'clients/admin'), name())).toBe('ok');
    expect(await handshake(server, ca(), pair(own, 'replica-1'), 'localhost')).toBe('ok');
  });

  test('no, a foreign and an expired client certificate are told apart', async () => {
    const server = pair(own, 'replica-0');
    expect(await handshake(server, ca(), {}, name())).toBe('server: UNABLE_TO_GET_ISSUER_CERT');
    const stranger = await handshake(server, ca(), pair(other, 'clients/admin'), name());
    expect(stranger).toBe('server: UNABLE_TO_VERIFY_LEAF_SIGNATURE');
    expect(await handshake(server, ca(), expiredClient, name())).toBe('server: CERT_HAS_EXPIRED');
  });

  test('a foreign, an expired and a client certificate at the server are refused, and a wrong replica', async () => {
    const admin = pair(own, 'clients/admin');
    expect(await handshake(pair(other, 'replica-0'), ca(), admin, name())).toMatch(/^client: (UNABLE|SELF)/);
    expect(await handshake(expiredServer, ca(), admin, name())).toBe('client: CERT_HAS_EXPIRED');
    expect(await handshake(admin, ca(), admin, name())).toBe('client: INVALID_PURPOSE');
    expect(await handshake(pair(own, 'replica-1'), ca(), admin, name())).toBe(
      'client: ERR_TLS_CERT_ALTNAME_INVALID',
    );
  });
});
