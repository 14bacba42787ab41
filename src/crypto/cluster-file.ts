/**
 * The cluster file (YAML): reading with every mistake named by its line, writing with comments for its
 * readers. Reads and writes no files itself.
 */
import { X509Certificate } from 'node:crypto';
import { clientId, replicaId } from '../base/index.js';
import { clientNameProblem, parseAddress, replicasMin, requestAuths } from './cluster-description.js';
import type { ClientDescription, ClusterDescription, ClusterSettings } from './cluster-description.js';
import type { ReplicaDescription, RequestAuth } from './cluster-description.js';
import { ClusterFileReader, type Located } from './cluster-file-reader.js';

type NumericSetting = Exclude<keyof ClusterSettings, 'metrics' | 'requestAuth'>;

/** Smallest and largest value of each setting. */
const settingBounds: Readonly<Record<NumericSetting, readonly [min: number, max: number]>> = {
  requestTimeoutMs: [10, 3_600_000],
  viewChangeTimeoutMs: [10, 3_600_000],
  viewChangeTimeoutMaxMs: [10, 86_400_000],
  clockSkewMaxMs: [1, 3_600_000],
  statusIntervalMs: [10, 60_000],
  sessionLeaseMs: [1_000, 86_400_000],
  windowBatches: [1, 128],
  batchOperationsMax: [1, 65_536],
  slowPrimaryPercent: [0, 95],
  rotateAfterBatches: [0, 1_000_000_000],
};
const numericSettings = Object.keys(settingBounds) as readonly NumericSetting[];

function readReplicas(reader: ClusterFileReader, at: Located): ReplicaDescription[] {
  const items = reader.items(at, 'replicas');
  const n = items.length;
  if (n < replicasMin) {
    reader.fail(at.line, `${n} replicas are too few: a cluster needs at least 4 replicas: 3f+1 with f ≥ 1`);
  }
  const ids = new Map<string, number>();
  const addresses = new Map<string, number>();
  const keys = new Map<string, number>();
  const pins = new Map<string, number>();
  const sharing = new Map<string, number>();
  const replicas = items.map((item): ReplicaDescription => {
    const required = ['id', 'address', 'publicKey', 'tlsFingerprint'] as const;
    const fields = reader.fields(item, 'a replica', required, ['sharingKey']);
    const id = reader.integer(fields.id, `the replica id (ids are 0 to ${n - 1}, each once)`, 0, n - 1);
    reader.unique(ids, String(id), fields.id.line, `replica id ${id}`);
    const address = reader.text(fields.address, 'address');
    if (parseAddress(address) === null) {
      reader.fail(fields.address.line, `address "${address}" must be host:port with a port from 1 to 65535`);
    }
    reader.unique(addresses, address.toLowerCase(), fields.address.line, `address ${address}`);
    const publicKey = reader.hex(fields.publicKey, 'publicKey', 64);
    reader.unique(keys, publicKey, fields.publicKey.line, 'this publicKey');
    const tlsFingerprint = reader.hex(fields.tlsFingerprint, 'tlsFingerprint', 64);
    reader.unique(pins, tlsFingerprint, fields.tlsFingerprint.line, 'this tlsFingerprint');
    const replica = { id: replicaId(id), address, publicKey, tlsFingerprint };
    if (fields.sharingKey === undefined) return replica;
    const sharingKey = reader.hex(fields.sharingKey, 'sharingKey', 64);
    // Whoever has two of them holds two shares.
    reader.unique(sharing, sharingKey, fields.sharingKey.line, 'this sharingKey');
    return { ...replica, sharingKey };
  });
  if (sharing.size !== 0 && sharing.size !== n)
    reader.fail(at.line, 'some replicas lack a sharingKey; give each its own, or none');
  return replicas.sort((a, b) => a.id - b.id);
}

function readClients(reader: ClusterFileReader, at: Located): ClientDescription[] {
  const names = new Map<string, number>();
  const keys = new Map<string, number>();
  return reader.items(at, 'clients').map((item): ClientDescription => {
    const fields = reader.fields(item, 'a client', ['name', 'publicKey']);
    const name = reader.text(fields.name, 'name');
    const problem = clientNameProblem(name);
    if (problem !== null) reader.fail(fields.name.line, `name "${name}": ${problem}`);
    // Names are folders: case must not be all that tells two apart.
    reader.unique(names, name.toLowerCase(), fields.name.line, `client name ${name}`);
    const publicKey = clientId(reader.hex(fields.publicKey, 'publicKey', 64));
    reader.unique(keys, publicKey, fields.publicKey.line, 'this publicKey');
    return { name, publicKey };
  });
}

function readRequestAuth(reader: ClusterFileReader, at: Located): RequestAuth {
  const text = reader.text(at, 'requestAuth');
  const known = requestAuths.find((each) => each === text);
  return known ?? reader.fail(at.line, `requestAuth is "${text}"; write ${requestAuths.join(' or ')}`);
}

function readSettings(reader: ClusterFileReader, at: Located | undefined, n: number): ClusterSettings {
  // All of them may be commented out.
  if (at === undefined || reader.isEmpty(at)) return {};
  const fields = reader.fields(at, 'settings', [], [...numericSettings, 'requestAuth', 'metrics']);
  const settings: { -readonly [K in keyof ClusterSettings]: ClusterSettings[K] } = {};
  for (const name of numericSettings) {
    const value = fields[name];
    if (value !== undefined) settings[name] = reader.integer(value, name, ...settingBounds[name]);
  }
  if (fields.requestAuth !== undefined) settings.requestAuth = readRequestAuth(reader, fields.requestAuth);
  if (fields.metrics !== undefined) {
    const { basePort } = reader.fields(fields.metrics, 'metrics', ['basePort']);
    settings.metrics = { basePort: reader.integer(basePort, 'basePort', 1, 65_536 - n) };
  }
  return settings;
}

const onePem = /^-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+\n-----END CERTIFICATE-----\n?$/;

function readCertificateAuthority(reader: ClusterFileReader, at: Located): string {
  const pem = reader.text(at, 'certificateAuthority');
  let isAuthority = false;
  try {
    isAuthority = onePem.test(pem) && new X509Certificate(pem).ca;
  } catch {
    isAuthority = false;
  }
  if (!isAuthority) {
    reader.fail(
      at.line,
      'certificateAuthority must be the PEM text of one CA certificate; copy ca/ca.crt again',
    );
  }
  return pem;
}

/**
 * Reads a cluster file; `path` is for messages only. Replicas come back in the order of their ids.
 * @throws InvalidInputError CLUSTER_FILE_INVALID, fields {path, line}: the first mistake.
 */
export function parseClusterFile(text: string, path: string): ClusterDescription {
  const reader = new ClusterFileReader(text, path);
  const required = ['version', 'clusterId', 'replicas', 'certificateAuthority', 'clients'] as const;
  const fields = reader.fields(reader.root, 'the cluster file', required, [
    'keyGeneration',
    'faultInjection',
    'settings',
  ]);
  if (reader.text(fields.version, 'version') !== '1') {
    reader.fail(
      fields.version.line,
      'this release reads version 1 only; use the release that wrote the file',
    );
  }
  const clusterId = reader.hex(fields.clusterId, 'clusterId', 32);
  const replicas = readReplicas(reader, fields.replicas);
  const certificateAuthority = readCertificateAuthority(reader, fields.certificateAuthority);
  const clients = readClients(reader, fields.clients);
  const settings = readSettings(reader, fields.settings, replicas.length);
  const generation = readKeyGeneration(reader, fields.keyGeneration, replicas);
  const injection = readFaultInjection(reader, fields.faultInjection);
  return {
    ...{ version: 1, clusterId, replicas, certificateAuthority, clients },
    ...generation,
    ...injection,
    settings,
  };
}

function readFaultInjection(
  reader: ClusterFileReader,
  at: Located | undefined,
): Pick<ClusterDescription, 'faultInjection'> {
  if (at === undefined) return {};
  const text = reader.text(at, 'faultInjection');
  if (text !== 'true' && text !== 'false') reader.fail(at.line, 'faultInjection must be true or false');
  return text === 'true' ? { faultInjection: true } : {};
}

function readKeyGeneration(
  reader: ClusterFileReader,
  at: Located | undefined,
  [first]: readonly ReplicaDescription[],
): { readonly keyGeneration?: number } {
  const hasKeys = first?.sharingKey !== undefined;
  if (at === undefined && !hasKeys) return {};
  if (at === undefined || !hasKeys)
    reader.fail(
      at?.line ?? 1,
      'keyGeneration and the sharingKey of each replica go together; add what is missing',
    );
  return { keyGeneration: reader.integer(at, 'keyGeneration', 1, 4_294_967_295) };
}

const quoted = (text: string): string => JSON.stringify(text);

function formatList(name: string, items: readonly (readonly [key: string, value: string])[][]): string[] {
  if (items.length === 0) return [`${name}: []`];
  const lines = items.flatMap((item) =>
    item.map(([key, value], i) => `  ${i === 0 ? '-' : ' '} ${key}: ${value}`),
  );
  return [`${name}:`, ...lines];
}

function formatSettings(settings: ClusterSettings): string[] {
  const lines = numericSettings
    .filter((name) => settings[name] !== undefined)
    .map((name) => `  ${name}: ${settings[name]}`);
  if (settings.requestAuth !== undefined) lines.push(`  requestAuth: ${settings.requestAuth}`);
  if (settings.metrics !== undefined) lines.push('  metrics:', `    basePort: ${settings.metrics.basePort}`);
  return lines.length === 0 ? ['settings: {}'] : ['settings:', ...lines];
}

/** The file's text; parseClusterFile gives the same description back. */
export function formatClusterFile(description: ClusterDescription): string {
  const { clusterId, replicas, certificateAuthority: pem, clients, settings } = description;
  const { keyGeneration, faultInjection } = description;
  const lines = [
    '# A Theodora cluster. Its replicas and clients all read this file, alike; it holds no secret.',
    'version: 1',
    '',
    '# Part of everything that is signed: never change it.',
    `clusterId: ${quoted(clusterId)}`,
    '',
    '# 3f+1 replicas tolerate f Byzantine ones. publicKey is the Ed25519 identity; tlsFingerprint pins the TLS',
    '# key (SHA-256 of its SPKI) and stays the same when the certificate is renewed; shares of confidential tuples',
    '# are encrypted to sharingKey.',
    ...formatList(
      'replicas',
      replicas.map(({ id, address, publicKey, tlsFingerprint, sharingKey }) => [
        ['id', String(id)],
        ['address', quoted(address)],
        ['publicKey', quoted(publicKey)],
        ['tlsFingerprint', quoted(tlsFingerprint)],
        ...(sharingKey === undefined ? [] : [['sharingKey', quoted(sharingKey)] as const]),
      ]),
    ),
    ...(keyGeneration === undefined
      ? []
      : ['', '# Which set of sharing keys these are.', `keyGeneration: ${keyGeneration}`]),
    '',
    '# Signs the TLS certificates. Its key (ca/ca.key) is needed for new ones only: keep it offline.',
    `certificateAuthority: ${pem.endsWith('\n') ? '|' : '|-'}`,
    ...pem
      .trimEnd()
      .split('\n')
      .map((line) => `  ${line}`),
    '',
    '# Who may use the service from the start. Others are registered by ordered operations: theodora client add.',
    ...formatList(
      'clients',
      clients.map(({ name, publicKey }) => [
        ['name', quoted(name)],
        ['publicKey', quoted(publicKey)],
      ]),
    ),
    ...(faultInjection === undefined
      ? []
      : ['', '# Replicas may be told to misbehave: for experiments only.', 'faultInjection: true']),
    '',
    '# Overrides of the defaults, equal at every replica; times in milliseconds.',
    ...formatSettings(settings),
    '',
  ];
  return lines.join('\n');
}
