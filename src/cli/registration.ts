/**
 * Making a client identity: keys and certificate here, beside the cluster file, the registration by an ordered operation.
 * What was refused or never sent leaves no keys behind; where nobody knows, they are kept, since they may be registered.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { InvalidInputError, RefusedError, UnavailableError, UnknownOutcomeError } from '../base/index.js';
import type { Administration, RegisteredClient } from '../client/index.js';
import { createClientMaterial, readIdentityKey } from '../crypto/index.js';
import { addFiles, checkFilesAreNew, readClusterText, removeFiles } from './cluster-directory.js';

export interface NewClient {
  /** Where its keys are, once it is registered. */
  readonly directory: string;
  /** @throws InvalidInputError FILE_EXISTS, and as `Administration.addClient`. */
  register(admin: Pick<Administration, 'addClient'>): Promise<RegisteredClient>;
}

function readAuthorityFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new InvalidInputError(
      'CA_KEY_MISSING',
      `${path} cannot be read: registering a client takes the certificate authority's key. Run this where it is kept.`,
      { path },
      error,
    );
  }
}

const againWith = (name: string, publicKey: string): string =>
  `\`theodora client add ${name} --key ${publicKey}\``;

/** Keys of that name may be of a client that the service has lost, or never got: it can have the same ones again. */
function checkKeysAreNew(directory: string, name: string): void {
  const path = join(directory, 'identity.key');
  if (!existsSync(path)) return;
  const { publicKey } = readIdentityKey(path);
  throw new InvalidInputError(
    'FILE_EXISTS',
    `${path} exists already and keys are not overwritten. To register them use ${againWith(name, publicKey)}; if they belong to nobody, remove that folder.`,
    { path, key: publicKey },
  );
}

/** Certainly not registered. */
function isUndone(error: unknown): boolean {
  return (
    error instanceof RefusedError || error instanceof UnavailableError || error instanceof InvalidInputError
  );
}

function keptKeys(
  { code, message, fields, cause }: UnknownOutcomeError,
  name: string,
  publicKey: string,
  directory: string,
): Error {
  const remedy = `The keys are kept in ${directory}: if \`theodora client list\` does not show ${name}, repeat with ${againWith(name, publicKey)}`;
  return new UnknownOutcomeError(code, `${message} ${remedy}.`, { ...fields, keys: directory }, cause);
}

/**
 * Makes the keys of a client, in memory. @throws InvalidInputError CLUSTER_FILE_MISSING, CA_KEY_MISSING, FILE_EXISTS, and
 * what createClientMaterial throws.
 */
export async function prepareClient(clusterFile: string, name: string): Promise<NewClient> {
  const top = dirname(clusterFile);
  const directory = join(top, 'clients', name);
  readClusterText(clusterFile);
  const { publicKey, files } = await createClientMaterial({
    name,
    caKeyPem: readAuthorityFile(join(top, 'ca', 'ca.key')),
    caCertPem: readAuthorityFile(join(top, 'ca', 'ca.crt')),
    now: new Date(),
  });
  checkKeysAreNew(directory, name);
  checkFilesAreNew(top, files);
  return {
    directory,
    async register(admin) {
      // First, lest a client be registered whose keys could not be written.
      addFiles(top, files);
      try {
        return await admin.addClient(name, publicKey);
      } catch (error) {
        if (isUndone(error)) removeFiles(top, files);
        throw error instanceof UnknownOutcomeError ? keptKeys(error, name, publicKey, directory) : error;
      }
    },
  };
}
