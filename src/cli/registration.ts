/** Making a client identity and entering it in a cluster file, all beside that file. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { InvalidInputError } from '../base/index.js';
import { addClient, createClientMaterial } from '../crypto/index.js';
import { addFiles, editClusterFile, readClusterText } from './cluster-directory.js';

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

/**
 * Returns the new client's public key. @throws InvalidInputError CLUSTER_FILE_MISSING, CA_KEY_MISSING,
 * FILE_EXISTS, CLUSTER_FILE_LOCKED, and what addClient and createClientMaterial throw.
 */
export async function registerClientIdentity(clusterFile: string, name: string): Promise<string> {
  const directory = dirname(clusterFile);
  const text = readClusterText(clusterFile);
  const { publicKey, files } = await createClientMaterial({
    name,
    caKeyPem: readAuthorityFile(join(directory, 'ca', 'ca.key')),
    caCertPem: readAuthorityFile(join(directory, 'ca', 'ca.crt')),
    now: new Date(),
  });
  // Says what is wrong with the name before anything is written.
  addClient(text, name, publicKey, clusterFile);
  addFiles(directory, files);
  await editClusterFile(clusterFile, (current) => addClient(current, name, publicKey, clusterFile));
  return publicKey;
}
