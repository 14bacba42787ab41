/**
 * The replica's TLS key and certificate from its data directory, checked against each other and against the
 * pin in the cluster file before anything listens.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InvalidInputError } from '../../base/index.js';
import { certificateExpiry, spkiFingerprint } from '../../crypto/index.js';

export interface TlsIdentity {
  /** PEM. */
  readonly key: string;
  readonly certificate: string;
  readonly expiresAt: Date;
}

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new InvalidInputError(
      'TLS_FILE_MISSING',
      `${path}: cannot be read; restore it, or copy it from where \`theodora init\` was run.`,
      { path },
      cause,
    );
  }
}

/**
 * Reads `tls.key` and `tls.crt`. @throws InvalidInputError TLS_FILE_MISSING, CERTIFICATE_MALFORMED,
 * CERTIFICATE_MISMATCH (key, certificate and pin do not belong together), CERTIFICATE_EXPIRED.
 */
export function readTlsIdentity(dataDir: string, pinnedFingerprint: string, now: Date): TlsIdentity {
  const path = join(dataDir, 'tls.crt');
  const key = readPem(join(dataDir, 'tls.key'));
  const certificate = readPem(path);
  const expiresAt = certificateExpiry(certificate);
  const x509 = new X509Certificate(certificate);
  const fingerprint = spkiFingerprint(x509.raw);
  if (fingerprint !== pinnedFingerprint) {
    throw new InvalidInputError(
      'CERTIFICATE_MISMATCH',
      `${path}: its key is not the one pinned in the cluster file. Use the data directory made for this replica and cluster.`,
      { path, fingerprint, pinnedFingerprint },
    );
  }
  if (!isKeyOf(key, x509)) {
    throw new InvalidInputError(
      'CERTIFICATE_MISMATCH',
      `${join(dataDir, 'tls.key')} is not the private key of ${path}. Restore the pair that was made together.`,
      { path },
    );
  }
  if (expiresAt <= now) {
    throw new InvalidInputError(
      'CERTIFICATE_EXPIRED',
      `${path}: expired on ${expiresAt.toISOString()}; renew it with the cluster's CA (the pin stays the same).`,
      { path, expiresAt: expiresAt.toISOString() },
    );
  }
  return { key, certificate, expiresAt };
}

function isKeyOf(key: string, certificate: X509Certificate): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(key));
  } catch {
    // Unreadable: the parser's words could hold parts of the key.
    return false;
  }
}
