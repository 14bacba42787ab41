/**
 * Who the client is and which cluster it talks to: the cluster file and the keys beside it, checked against
 * each other before anything is sent, so that a wrong file is named here and not guessed from a refusal.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { clientId, InvalidInputError, type ClientId } from '../base/index.js';
import { certificateExpiry, checkClientName, parseClusterFile, readIdentityKey } from '../crypto/index.js';
import type { ClusterDescription, IdentityKey } from '../crypto/index.js';

/** A client's secrets, for programs that do not keep them beside the cluster file. */
export interface ClientKeys {
  readonly identityKey: IdentityKey;
  /** PEM. */
  readonly tlsKey: string;
  /** PEM, signed by the cluster's CA. */
  readonly tlsCertificate: string;
}

export interface Identity {
  readonly cluster: ClusterDescription;
  /** Unique in the cluster, and what policies and entries call it. */
  readonly name: string;
  readonly publicKey: ClientId;
  readonly keys: ClientKeys;
}

export interface IdentitySource {
  /** Path of the cluster file, or its description; then `keys` are needed. */
  readonly cluster: string | ClusterDescription;
  /** The client's name; its keys are in `clients/NAME` beside the cluster file, unless `keys` are given. */
  readonly identity: string;
  readonly keys?: ClientKeys | undefined;
}

async function readText(path: string, code: string, remedy: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new InvalidInputError(code, `${path}: cannot be read. ${remedy}`, { path }, cause);
  }
}

/** The key of a client that was there from the start; null: it was added later, which only the replicas know. */
const listedKey = ({ clients }: ClusterDescription, name: string): ClientId | null =>
  clients.find((candidate) => candidate.name === name)?.publicKey ?? null;

/** @throws InvalidInputError IDENTITY_UNKNOWN. */
function checkFolder(folders: string, name: string): void {
  if (existsSync(join(folders, name))) return;
  const known = existsSync(folders) ? readdirSync(folders).sort() : [];
  const message = `there are no keys of an identity "${name}" in ${folders}, only of ${known.join(', ') || 'nobody'}. Add it with \`theodora client add ${name}\`, put its folder there, or use another.`;
  throw new InvalidInputError('IDENTITY_UNKNOWN', message, { identity: name, known });
}

async function readKeys(directory: string): Promise<ClientKeys> {
  const identityKey = readIdentityKey(join(directory, 'identity.key'));
  const remedy = 'Restore it, or copy it from where the client was added.';
  const tlsKey = await readText(join(directory, 'tls.key'), 'TLS_FILE_MISSING', remedy);
  const tlsCertificate = await readText(join(directory, 'tls.crt'), 'TLS_FILE_MISSING', remedy);
  return { identityKey, tlsKey, tlsCertificate };
}

function isPair(key: string, certificate: string): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
  } catch {
    // Unreadable: the parser's words could hold parts of the key.
    return false;
  }
}

function checkKeys(keys: ClientKeys, listed: ClientId | null, name: string, where: string): void {
  if (listed !== null && keys.identityKey.publicKey !== listed) {
    const message = `${where}: the identity key is not the one listed for "${name}" in the cluster file. Use the files that belong together.`;
    throw new InvalidInputError('IDENTITY_MISMATCH', message, { identity: name });
  }
  const expiresAt = certificateExpiry(keys.tlsCertificate);
  if (!isPair(keys.tlsKey, keys.tlsCertificate)) {
    const message = `${where}: tls.key is not the private key of tls.crt. Restore the pair that was made together.`;
    throw new InvalidInputError('CERTIFICATE_MISMATCH', message, { identity: name });
  }
  if (expiresAt.getTime() > Date.now()) return;
  const message = `${where}: tls.crt expired on ${expiresAt.toISOString()}; renew it with the cluster's CA.`;
  throw new InvalidInputError('CERTIFICATE_EXPIRED', message, { identity: name });
}

/**
 * @throws InvalidInputError CLUSTER_FILE_MISSING, CLUSTER_FILE_INVALID, CLIENT_NAME_INVALID, IDENTITY_UNKNOWN,
 * IDENTITY_MISMATCH, KEYS_MISSING, KEY_FILE_MISSING, KEY_FILE_PERMISSIONS, KEY_FILE_MALFORMED, TLS_FILE_MISSING, CERTIFICATE_MALFORMED,
 * CERTIFICATE_MISMATCH or CERTIFICATE_EXPIRED.
 */
export async function loadIdentity({
  cluster: source,
  identity: name,
  keys: given,
}: IdentitySource): Promise<Identity> {
  checkClientName(name);
  if (typeof source !== 'string') {
    if (given === undefined) {
      throw new InvalidInputError(
        'KEYS_MISSING',
        'a cluster description without a file needs the option keys.',
      );
    }
    checkKeys(given, listedKey(source, name), name, 'keys');
    return { cluster: source, name, publicKey: clientId(given.identityKey.publicKey), keys: given };
  }
  const remedy = 'Give the path of a cluster file; `theodora up` or `theodora init` makes one.';
  const cluster = parseClusterFile(await readText(source, 'CLUSTER_FILE_MISSING', remedy), source);
  const listed = listedKey(cluster, name);
  const folders = join(dirname(source), 'clients');
  const directory = join(folders, name);
  // One that is listed lacks its files, as the next line says.
  if (given === undefined && listed === null) checkFolder(folders, name);
  const keys = given ?? (await readKeys(directory));
  checkKeys(keys, listed, name, given === undefined ? directory : 'keys');
  return { cluster, name, publicKey: clientId(keys.identityKey.publicKey), keys };
}
