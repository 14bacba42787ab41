/**
 * Who said this: signatures of replicas, of client envelopes (or MACs in their place) and of a client's hello to a replica
 * (DESIGN: who must believe decides the authentication). Each signature is bound to its purpose and to
 * the cluster, so none can be replayed as another. Which clients are registered is none of its business.
 */
import type { HashFunction, ReplicaId, SessionId } from '../base/index.js';
import { clientId } from '../base/index.js';
import { encodeEnvelopeBody, encodeHelloBody, sealEnvelope } from '../codec/index.js';
import type { Envelope, EnvelopeBody, Hello } from '../codec/index.js';
import type { ClusterDescription } from './cluster-description.js';
import { sha256 } from './digest.js';
import type { IdentityKey } from './identity-key.js';
import { createMacCheck, createMacSealer } from './request-macs.js';
import { purposeBytes, verifySignature } from './signatures.js';

const envelopePurpose = (body: EnvelopeBody): string => (body.kind === 'rejoin' ? 'rejoin' : 'envelope');

/** Encodes, signs and seals: a client's OPEN or requests, or a replica's REJOIN by the replica's key. */
export function signEnvelope(body: EnvelopeBody, key: IdentityKey, clusterId: string): Envelope {
  const signedBytes = encodeEnvelopeBody(body);
  const signature = key.sign(purposeBytes(envelopePurpose(body), clusterId, signedBytes));
  return sealEnvelope(body, signedBytes, signature);
}

/** As the cluster wants its clients' envelopes: signed, or with a MAC for each replica. */
export function createSealer(
  cluster: AuthenticatorOptions['cluster'],
  key: IdentityKey,
): (body: EnvelopeBody) => Envelope {
  if (cluster.settings.requestAuth === 'mac') return createMacSealer(cluster, key);
  return (body) => signEnvelope(body, key, cluster.clusterId);
}

/** What a client's stream is bound to; both sides know it without being told. */
export interface HelloContext {
  readonly clusterId: string;
  readonly replica: ReplicaId;
  /** SHA-256 of the replica's TLS public key (SPKI), 32 bytes. */
  readonly certificateFingerprint: Uint8Array;
  /** From the replica's challenge. */
  readonly nonce: Uint8Array;
}

function helloBytes(context: HelloContext, session: SessionId): Uint8Array {
  return purposeBytes('hello', context.clusterId, encodeHelloBody({ ...context, session }));
}

export function signHello(context: HelloContext, session: SessionId, key: IdentityKey): Hello {
  const signature = key.sign(helloBytes(context, session));
  return { kind: 'hello', client: clientId(key.publicKey), session, signature };
}

/** Whether the client named in `hello` signed it for this stream. Says nothing about its registration. */
export function verifyHello(context: HelloContext, hello: Hello): boolean {
  return verifySignature(hello.client, helloBytes(context, hello.session), hello.signature);
}

export interface AuthenticatorOptions {
  readonly cluster: Pick<ClusterDescription, 'clusterId' | 'replicas' | 'settings'>;
  /** This replica's own key. */
  readonly key: IdentityKey;
}

/** The shape that the ordering layer asks for; its port is not imported here. */
export interface ClusterAuthenticator {
  readonly hash: HashFunction;
  sign(purpose: string, body: Uint8Array): Uint8Array;
  verify(replica: ReplicaId, purpose: string, body: Uint8Array, signature: Uint8Array): boolean;
  isAuthentic(envelope: Envelope): boolean;
  isVerdictCommon(envelope: Envelope): boolean;
}

export function createAuthenticator({ cluster, key }: AuthenticatorOptions): ClusterAuthenticator {
  function verify(replica: ReplicaId, purpose: string, body: Uint8Array, signature: Uint8Array): boolean {
    const member = cluster.replicas[replica];
    if (member === undefined) return false;
    return verifySignature(member.publicKey, purposeBytes(purpose, cluster.clusterId, body), signature);
  }

  const macCheck = cluster.settings.requestAuth === 'mac' ? createMacCheck(cluster, key) : null;

  function isAuthentic({ body, signedBytes, signature, macs }: Envelope): boolean {
    if (signature === null) {
      if (macCheck === null || macs === null || body.kind === 'rejoin') return false;
      return macCheck.isOwnRight(body.client, signedBytes, macs);
    }
    if (body.kind === 'rejoin') return verify(body.replica, 'rejoin', signedBytes, signature);
    const covered = purposeBytes(envelopePurpose(body), cluster.clusterId, signedBytes);
    return verifySignature(body.client, covered, signature);
  }

  return {
    hash: sha256,
    sign: (purpose, body) => key.sign(purposeBytes(purpose, cluster.clusterId, body)),
    verify,
    isAuthentic,
    isVerdictCommon: ({ macs }) => macs === null || macCheck === null || !macCheck.isComplete(macs),
  };
}
