/** Door of `crypto`: digests, signatures, key files, the cluster file and TLS material. */
export { createAuthenticator, createSealer, signEnvelope, signHello, verifyHello } from './authenticator.js';
export type { AuthenticatorOptions, ClusterAuthenticator, HelloContext } from './authenticator.js';
export { authorityLifetimeMs, backdatingMs, leafLifetimeMs } from './certificate.js';
export { certificateExpiry, renewCertificate, replicaServerName, spkiFingerprint } from './certificate.js';
export type { CertificateSubject, RenewalOptions } from './certificate.js';
export { isCertified } from './checkpoint-certificate.js';
export {
  checkClientName,
  parseAddress,
  replicasMin,
  requestAuths,
  sharingKeysOf,
} from './cluster-description.js';
export type { SharingKeys } from './cluster-description.js';
export type { ClientDescription, ClusterDescription } from './cluster-description.js';
export type { ClusterSettings, ReplicaDescription, RequestAuth } from './cluster-description.js';
export { formatClusterFile, parseClusterFile } from './cluster-file.js';
export { createClientMaterial, createClusterMaterial } from './cluster-material.js';
export type { MaterialFile } from './cluster-material.js';
export { sha256 } from './digest.js';
export { generateIdentityKey, identityKeyFromPem, readIdentityKey } from './identity-key.js';
export type { IdentityKey } from './identity-key.js';
export { readKeyBytes, readKeyFile } from './key-file.js';
export { combineKey, formatKeyShare, parseKeyShare, splitKey } from './key-share.js';
export type { KeyShare, NamedKeyShare } from './key-share.js';
export { firstKeyGeneration, formatSharingKey, readSharingKey } from './sharing-key.js';
export type { SharingSecret } from './sharing-key.js';
export { purposeBytes, verifySignature } from './signatures.js';
export { commitToKey, deriveSealKey, isKeyCommitted, keyCommitmentBytes } from './pvss/aead.js';
export { seal, sealOverheadBytes, unseal } from './pvss/aead.js';
export { combineShares } from './pvss/combine.js';
export type { PlainShare } from './pvss/combine.js';
export { badParts, createShareholders, finishDealing, openDealing } from './pvss/dealing.js';
export { prepareDealing, verifyDealing, verifyPart } from './pvss/dealing.js';
export type { Dealing, OpenedDealing, PreparedDealing, Shareholders } from './pvss/dealing.js';
export type { DleqProof } from './pvss/dleq.js';
export { pointBytes } from './pvss/group.js';
export type { Group, Point } from './pvss/group.js';
export { loadGroup } from './pvss/load-group.js';
export { freshBytes } from './fresh-bytes.js';
export { invertScalar, mod, scalarBytes } from './pvss/scalar.js';
export type { RandomBytes } from './pvss/scalar.js';
export { createShareKey, generateShareSecret, verifyShare } from './pvss/share.js';
export type { Share, ShareKey } from './pvss/share.js';
export { createTagKey, generateTagSecret, verifyTag } from './pvss/tags.js';
export type { TagKey } from './pvss/tags.js';
