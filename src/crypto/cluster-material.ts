/**
 * Everything a new cluster or a new client needs: keys, certificates and the cluster file, as contents
 * with relative paths and modes. Writing them is the caller's. Each replica's and client's folder holds its
 * own secrets only, to be moved to its own machine.
 */
import { randomBytes, X509Certificate } from 'node:crypto';
import { clientId, InvalidInputError, replicaId, toHex, type ClientId } from '../base/index.js';
import { checkClientName, parseAddress, replicasMin } from './cluster-description.js';
import type { ClusterDescription, ClusterSettings, ReplicaDescription } from './cluster-description.js';
import {
  createAuthorityCertificate,
  generateTlsKey,
  issueCertificate,
  readAuthority,
} from './certificate.js';
import { spkiFingerprint, type Authority } from './certificate.js';
import { formatClusterFile } from './cluster-file.js';
import { generateIdentityKey } from './identity-key.js';
import type { Group } from './pvss/group.js';
import { loadGroup } from './pvss/load-group.js';
import { firstKeyGeneration, generateSharingKey } from './sharing-key.js';

export interface MaterialFile {
  /** Relative, with "/" between folders. */
  readonly path: string;
  readonly content: string;
  readonly mode: 0o600 | 0o644;
}

const secret = (path: string, content: string): MaterialFile => ({ path, content, mode: 0o600 });
const shared = (path: string, content: string): MaterialFile => ({ path, content, mode: 0o644 });

async function replicaMaterial(
  authority: Authority,
  group: Group,
  id: number,
  address: string,
  clusterId: string,
  now: Date,
): Promise<{ replica: ReplicaDescription; files: MaterialFile[] }> {
  const { host } = parseAddress(address)!;
  const identity = generateIdentityKey();
  const sharing = generateSharingKey(group);
  const tls = await generateTlsKey();
  const certificate = issueCertificate(
    authority,
    { kind: 'replica', id: replicaId(id), host, clusterId },
    tls.publicKey,
    now,
  );
  return {
    replica: {
      id: replicaId(id),
      address,
      publicKey: identity.key.publicKey,
      tlsFingerprint: spkiFingerprint(new X509Certificate(certificate).raw),
      sharingKey: sharing.publicKey,
    },
    files: [
      secret(`replica-${id}/replica.key`, identity.pem),
      secret(`replica-${id}/sharing.key`, sharing.text),
      secret(`replica-${id}/tls.key`, tls.pem),
      shared(`replica-${id}/tls.crt`, certificate),
      // Tells a replica that was never started from one that lost its disk (DESIGN: amnesia).
      secret(`replica-${id}/genesis`, ''),
    ],
  };
}

async function clientMaterial(
  authority: Authority,
  name: string,
  now: Date,
): Promise<{ publicKey: ClientId; files: MaterialFile[] }> {
  checkClientName(name);
  const identity = generateIdentityKey();
  const tls = await generateTlsKey();
  return {
    publicKey: clientId(identity.key.publicKey),
    files: [
      secret(`clients/${name}/identity.key`, identity.pem),
      secret(`clients/${name}/tls.key`, tls.pem),
      shared(
        `clients/${name}/tls.crt`,
        issueCertificate(authority, { kind: 'client', name }, tls.publicKey, now),
      ),
    ],
  };
}

function checkHosts(hosts: readonly string[]): void {
  if (hosts.length < replicasMin) {
    const message = `${hosts.length} hosts are too few: a cluster needs at least 4 replicas: 3f+1 with f ≥ 1.`;
    throw new InvalidInputError('HOSTS_INVALID', message);
  }
  const seen = new Set<string>();
  for (const host of hosts) {
    if (parseAddress(host) === null) {
      const message = `host "${host}" must be host:port with a port from 1 to 65535.`;
      throw new InvalidInputError('HOSTS_INVALID', message, { host });
    }
    if (seen.has(host.toLowerCase())) {
      throw new InvalidInputError('HOSTS_INVALID', `host "${host}" is given twice; each needs its own.`, {
        host,
      });
    }
    seen.add(host.toLowerCase());
  }
}

/**
 * A new cluster, replica i at hosts[i] ("host:port"), with one registered client `admin`. `now` dates the
 * certificates. @throws InvalidInputError HOSTS_INVALID.
 */
export async function createClusterMaterial({
  hosts,
  now,
  faultInjection = false,
  settings = {},
}: {
  hosts: readonly string[];
  now: Date;
  faultInjection?: boolean;
  settings?: ClusterSettings;
}): Promise<{ description: ClusterDescription; files: readonly MaterialFile[] }> {
  checkHosts(hosts);
  const clusterId = toHex(randomBytes(16));
  const authorityKey = await generateTlsKey();
  const certificateAuthority = createAuthorityCertificate(authorityKey, clusterId, now);
  const authority = readAuthority(authorityKey.pem, certificateAuthority);
  const group = await loadGroup();
  const replicas = await Promise.all(
    hosts.map((address, id) => replicaMaterial(authority, group, id, address, clusterId, now)),
  );
  const admin = await clientMaterial(authority, 'admin', now);
  const description: ClusterDescription = {
    version: 1,
    clusterId,
    replicas: replicas.map(({ replica }) => replica),
    certificateAuthority,
    clients: [{ name: 'admin', publicKey: admin.publicKey }],
    keyGeneration: firstKeyGeneration,
    ...(faultInjection ? { faultInjection } : {}),
    settings,
  };
  const files = [
    shared('cluster.yaml', formatClusterFile(description)),
    secret('ca/ca.key', authorityKey.pem),
    shared('ca/ca.crt', certificateAuthority),
    ...replicas.flatMap((replica) => replica.files),
    ...admin.files,
  ];
  return { description, files };
}

/**
 * Keys and certificate of one more client; its public key is registered by an ordered operation of the admin.
 * @throws InvalidInputError CLIENT_NAME_INVALID, CA_INVALID, CA_EXPIRED.
 */
export async function createClientMaterial({
  name,
  caKeyPem,
  caCertPem,
  now,
}: {
  name: string;
  caKeyPem: string;
  caCertPem: string;
  now: Date;
}): Promise<{ publicKey: ClientId; files: readonly MaterialFile[] }> {
  return clientMaterial(readAuthority(caKeyPem, caCertPem), name, now);
}
