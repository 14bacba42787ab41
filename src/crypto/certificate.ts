/**
 * X.509 v3 certificates (RFC 5280) for the cluster's TLS: one CA, replicas (server and client) and clients.
 * ECDSA P-256 with SHA-256, signed by node:crypto. TLS keys are apart from identity keys: what the wire
 * protects is not what others must believe. Pins are over the public key, so a renewal keeps them.
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import { promisify } from 'node:util';
import { InvalidInputError, type ReplicaId } from '../base/index.js';
import * as der from './der.js';
import { sha256 } from './digest.js';

const dayMs = 86_400_000;
export const authorityLifetimeMs = 10 * 365 * dayMs;
export const leafLifetimeMs = 2 * 365 * dayMs;
/** notBefore lies this far back, so that a peer with a slow clock accepts a new certificate. */
export const backdatingMs = 3_600_000;

/** Whom a certificate names. */
export type CertificateSubject =
  | { readonly kind: 'replica'; readonly id: ReplicaId; readonly host: string; readonly clusterId: string }
  | { readonly kind: 'client'; readonly name: string };

/** The name by which TLS knows a replica, whatever its address: a SAN of its certificate. */
export const replicaServerName = (id: ReplicaId, clusterId: string): string =>
  `replica-${id}.${clusterId}.theodora`;

const ecdsaWithSha256 = der.sequence(der.oid('1.2.840.10045.4.3.2'));

const commonName = (name: string): Uint8Array =>
  der.sequence(der.setOf(der.sequence(der.oid('2.5.4.3'), der.utf8String(name))));

function extension(id: string, isCritical: boolean, value: Uint8Array): Uint8Array {
  return der.sequence(der.oid(id), ...(isCritical ? [der.derTrue] : []), der.octetString(value));
}

/** RFC 7093 method 4 (SHA-256 of the SPKI), cut to 160 bits. */
const keyIdentifier = (spki: Uint8Array): Uint8Array => Buffer.from(sha256(spki), 'hex').subarray(0, 20);

function ipv6Bytes(host: string): Uint8Array {
  // The URL parser gives the one canonical form: lower-case groups, no embedded IPv4.
  const [head = '', tail] = new URL(`http://[${host}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => parseInt(group, 16));
  const before = groups(head);
  const after = groups(tail ?? '');
  const all = [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after];
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

function generalName(host: string): Uint8Array {
  const version = isIP(host);
  if (version === 4) return der.implicit(7, Uint8Array.from(host.split('.').map(Number)));
  if (version === 6) return der.implicit(7, ipv6Bytes(host));
  return der.implicit(2, Buffer.from(host, 'ascii'));
}

const usage = {
  serverAuth: der.oid('1.3.6.1.5.5.7.3.1'),
  clientAuth: der.oid('1.3.6.1.5.5.7.3.2'),
};

interface Contents {
  readonly issuer: string;
  readonly subject: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly spki: Uint8Array;
  readonly extensions: readonly Uint8Array[];
}

function signCertificate(contents: Contents, signingKey: KeyObject): string {
  const serial = randomBytes(16);
  serial[0] = (serial[0]! & 0x7f) | 0x40;
  const toBeSigned = der.sequence(
    der.explicit(0, der.integer(Uint8Array.of(2))),
    der.integer(serial),
    ecdsaWithSha256,
    commonName(contents.issuer),
    der.sequence(der.time(contents.notBefore), der.time(contents.notAfter)),
    commonName(contents.subject),
    contents.spki,
    der.explicit(3, der.sequence(...contents.extensions)),
  );
  const signature = sign('sha256', toBeSigned, signingKey);
  const certificate = der.sequence(toBeSigned, ecdsaWithSha256, der.bitString(signature));
  return new X509Certificate(certificate).toString();
}

const spkiOf = (publicKey: KeyObject): Uint8Array => publicKey.export({ type: 'spki', format: 'der' });

const generateKeys = promisify(generateKeyPair);

/** A fresh ECDSA P-256 key pair; `pem` is the private key in PKCS #8. */
export async function generateTlsKey(): Promise<{
  publicKey: KeyObject;
  privateKey: KeyObject;
  pem: string;
}> {
  const { publicKey, privateKey } = await generateKeys('ec', { namedCurve: 'P-256' });
  return { publicKey, privateKey, pem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

export interface Authority {
  readonly privateKey: KeyObject;
  readonly certificate: X509Certificate;
  /** The certificate's common name, issuer of what it signs. */
  readonly name: string;
}

/** A self-signed CA certificate that may sign leaves only; PEM. */
export function createAuthorityCertificate(
  keys: { publicKey: KeyObject; privateKey: KeyObject },
  clusterId: string,
  now: Date,
): string {
  const name = `Theodora CA ${clusterId}`;
  const spki = spkiOf(keys.publicKey);
  const contents: Contents = {
    issuer: name,
    subject: name,
    notBefore: new Date(now.getTime() - backdatingMs),
    notAfter: new Date(now.getTime() + authorityLifetimeMs),
    spki,
    extensions: [
      // CA, path length 0; keyCertSign (bit 5) and cRLSign (bit 6).
      extension('2.5.29.19', true, der.sequence(der.derTrue, der.integer(Uint8Array.of(0)))),
      extension('2.5.29.15', true, der.bitString(Uint8Array.of(0x06), 1)),
      extension('2.5.29.14', false, der.octetString(keyIdentifier(spki))),
    ],
  };
  return signCertificate(contents, keys.privateKey);
}

/** @throws InvalidInputError CA_INVALID if the two do not belong together or are not of this program's making. */
export function readAuthority(keyPem: string, certificatePem: string): Authority {
  const problem = (what: string): InvalidInputError =>
    new InvalidInputError(
      'CA_INVALID',
      `${what}; use ca/ca.key and ca/ca.crt as \`theodora init\` wrote them.`,
    );
  let privateKey: KeyObject;
  let certificate: X509Certificate;
  try {
    privateKey = createPrivateKey(keyPem);
    certificate = new X509Certificate(certificatePem);
  } catch {
    throw problem('the CA key or certificate is not readable PEM');
  }
  const name = /^CN=(Theodora CA [0-9a-f]{32})$/.exec(certificate.subject)?.[1];
  if (!certificate.ca || name === undefined) throw problem('this is not the certificate of a cluster CA');
  if (!certificate.checkPrivateKey(privateKey)) throw problem('the CA key is not that of the CA certificate');
  return { privateKey, certificate, name };
}

/** A leaf certificate for `publicKey`, PEM; never outlives its CA. @throws InvalidInputError CA_EXPIRED. */
export function issueCertificate(
  authority: Authority,
  subject: CertificateSubject,
  publicKey: KeyObject,
  now: Date,
): string {
  const authorityExpiry = expiryOf(authority.certificate);
  if (authorityExpiry.getTime() <= now.getTime()) {
    const message = `the cluster's CA expired on ${authorityExpiry.toISOString()}; make a new cluster with \`theodora init\`.`;
    throw new InvalidInputError('CA_EXPIRED', message);
  }
  const spki = spkiOf(publicKey);
  const isReplica = subject.kind === 'replica';
  const names = isReplica
    ? [generalName(subject.host), generalName(replicaServerName(subject.id, subject.clusterId))]
    : [];
  const authorityKey = keyIdentifier(spkiOf(authority.certificate.publicKey));
  const contents: Contents = {
    issuer: authority.name,
    subject: isReplica ? `replica-${subject.id}` : subject.name,
    notBefore: new Date(now.getTime() - backdatingMs),
    notAfter: new Date(Math.min(now.getTime() + leafLifetimeMs, authorityExpiry.getTime())),
    spki,
    extensions: [
      // Not a CA; digitalSignature (bit 0).
      extension('2.5.29.19', true, der.sequence()),
      extension('2.5.29.15', true, der.bitString(Uint8Array.of(0x80), 7)),
      extension('2.5.29.37', false, der.sequence(...(isReplica ? [usage.serverAuth] : []), usage.clientAuth)),
      ...(isReplica ? [extension('2.5.29.17', false, der.sequence(...names))] : []),
      extension('2.5.29.14', false, der.octetString(keyIdentifier(spki))),
      extension('2.5.29.35', false, der.sequence(der.implicit(0, authorityKey))),
    ],
  };
  return signCertificate(contents, authority.privateKey);
}

export interface RenewalOptions {
  /** The TLS private key to keep. */
  readonly tlsKeyPem: string;
  readonly subject: CertificateSubject;
  readonly caKeyPem: string;
  readonly caCertPem: string;
  readonly now: Date;
}

/**
 * A new certificate (PEM) for a TLS key that stays the same, and with it the pin.
 * @throws InvalidInputError KEY_FILE_MALFORMED, CA_INVALID, CA_EXPIRED.
 */
export function renewCertificate({ tlsKeyPem, subject, caKeyPem, caCertPem, now }: RenewalOptions): string {
  const authority = readAuthority(caKeyPem, caCertPem);
  let publicKey: KeyObject | null = null;
  try {
    publicKey = createPublicKey(createPrivateKey(tlsKeyPem));
  } catch {
    // Refused below; the parser's words could hold parts of the key.
  }
  if (publicKey?.asymmetricKeyType !== 'ec' || publicKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new InvalidInputError(
      'KEY_FILE_MALFORMED',
      'the TLS key is not an unencrypted P-256 private key in PEM.',
    );
  }
  return issueCertificate(authority, subject, publicKey, now);
}

/**
 * The pin of a certificate: SHA-256 of its public key's SPKI DER, 64 hexadecimal characters.
 * @throws Error if the bytes are no certificate; those that TLS has accepted always are.
 */
export function spkiFingerprint(certificateDer: Uint8Array): string {
  return sha256(spkiOf(new X509Certificate(certificateDer).publicKey));
}

// Node 20 has no validToDate; validTo is "Mmm d hh:mm:ss yyyy GMT".
const expiryOf = (certificate: X509Certificate): Date => new Date(certificate.validTo);

/** When a certificate (PEM) ends. @throws InvalidInputError CERTIFICATE_MALFORMED. */
export function certificateExpiry(pem: string): Date {
  try {
    return expiryOf(new X509Certificate(pem));
  } catch (cause) {
    throw new InvalidInputError('CERTIFICATE_MALFORMED', 'not a certificate in PEM.', {}, cause);
  }
}
