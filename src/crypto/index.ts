/** Door of `crypto`: digests, signatures, key files, the cluster file and TLS material. */
export { createAuthenticator, signEnvelope, signHello, verifyHello } from './authenticator.js';
export type { AuthenticatorOptions, ClusterAuthenticator, HelloContext } from './authenticator.js';
export { authorityLifetimeMs, backdatingMs, leafLifetimeMs } from './certificate.js';
export { certificateExpiry, renewCertificate, replicaServerName, spkiFingerprint } from './certificate.js';
export type { CertificateSubject, RenewalOptions } from './certificate.js';
export { isCertified } from './checkpoint-certificate.js';
export { checkClientName, parseAddress, replicasMin } from './cluster-description.js';
export type { ClientDescription, ClusterDescription } from './cluster-description.js';
export type { ClusterSettings, ReplicaDescription } from './cluster-description.js';
export { formatClusterFile, parseClusterFile } from './cluster-file.js';
export { createClientMaterial, createClusterMaterial } from './cluster-material.js';
export type { MaterialFile } from './cluster-material.js';
export { sha256 } from './digest.js';
export { generateIdentityKey, identityKeyFromPem, readIdentityKey } from './identity-key.js';
export type { IdentityKey } from './identity-key.js';
export { purposeBytes, verifySignature } from './signatures.js';
