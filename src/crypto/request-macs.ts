/**
 * `requestAuth: mac`: a client's envelope carries a MAC for each replica in place of its signature (the authenticators of
 * PBFT, TOCS'02, section 3.2). A pair's key comes from their identity keys and needs no handshake: X25519, then HKDF-SHA256
 * (RFC 5869). The MAC is HMAC-SHA256 over the digest of purpose, cluster and body, cut to half (RFC 2104, section 5). A replica
 * can tell whether its own is right, and nothing of the others'.
 */
import { hash, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { ClientId, ReplicaId } from '../base/index.js';
import { clientId, encodeUtf8 } from '../base/index.js';
import { encodeEnvelopeBody, macBytes, sealWithMacs } from '../codec/index.js';
import type { Envelope, EnvelopeBody } from '../codec/index.js';
import { BoundedCache } from './bounded-cache.js';
import type { ClusterDescription } from './cluster-description.js';
import type { IdentityKey } from './identity-key.js';
import { purposeBytes } from './signatures.js';

type Cluster = Pick<ClusterDescription, 'clusterId' | 'replicas'>;
type MacFunction = (digest: string) => Buffer;

/** Of clients at a replica. */
const cachedKeysMax = 4096;
const keyBytes = 32;
const blockBytes = 64;
const digestBytes = 32;

/** HMAC-SHA256 of digests in hexadecimal, cut: two hashes in one shot each cost a third of node's Hmac object. */
export function macFunction(key: Uint8Array): MacFunction {
  const [inner, outer] = [0x36, 0x5c].map((pad) => {
    const block = Buffer.alloc(blockBytes + digestBytes, pad, undefined);
    block.fill(0, blockBytes);
    for (const [at, byte] of key.entries()) block[at] = byte ^ pad;
    return block;
  }) as [Buffer, Buffer];
  return (digest) => {
    inner.write(digest, blockBytes, 'hex');
    outer.write(hash('sha256', inner, 'hex'), blockBytes, 'hex');
    return Buffer.from(hash('sha256', outer, 'hex').slice(0, 2 * macBytes), 'hex');
  };
}

interface Pair {
  readonly client: ClientId;
  readonly replica: ReplicaId;
}

/** The MACs between the two, by the key of one of them and the other's public key; null if that is none. */
function pairMac(
  own: IdentityKey,
  peer: string,
  { client, replica }: Pair,
  clusterId: string,
): MacFunction | null {
  const secret = own.agree(peer);
  if (secret === null) return null;
  const label = purposeBytes('request-mac-key', clusterId, encodeUtf8(`${client} ${replica}`)!);
  return macFunction(new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(0), label, keyBytes)));
}

const digestOf = (clusterId: string, bytes: Uint8Array): string =>
  hash('sha256', purposeBytes('envelope-macs', clusterId, bytes), 'hex');

/** Seals a client's envelopes. */
export function createMacSealer(
  { clusterId, replicas }: Cluster,
  key: IdentityKey,
): (body: EnvelopeBody) => Envelope {
  const client = clientId(key.publicKey);
  const functions = replicas.map(({ id, publicKey }) =>
    pairMac(key, publicKey, { client, replica: id }, clusterId),
  );
  return (body) => {
    const bytes = encodeEnvelopeBody(body);
    const digest = digestOf(clusterId, bytes);
    const macs = new Uint8Array(macBytes * replicas.length);
    // Whose public key is none cannot check anything: its place stays empty.
    for (const [at, mac] of functions.entries()) if (mac !== null) macs.set(mac(digest), at * macBytes);
    return sealWithMacs(body, bytes, macs);
  };
}

export interface MacCheck {
  /** As many as there are replicas. Any other number is wrong at every replica. */
  isComplete(macs: Uint8Array): boolean;
  isOwnRight(client: ClientId, bytes: Uint8Array, macs: Uint8Array): boolean;
}

/** The check of the replica whose key this is. */
export function createMacCheck({ clusterId, replicas }: Cluster, key: IdentityKey): MacCheck {
  const own = replicas.find(({ publicKey }) => publicKey === key.publicKey);
  const functions = new BoundedCache(cachedKeysMax, (client) =>
    own === undefined ? null : pairMac(key, client, { client: clientId(client), replica: own.id }, clusterId),
  );
  const isComplete = (macs: Uint8Array): boolean => macs.length === macBytes * replicas.length;
  return {
    isComplete,
    isOwnRight(client, bytes, macs) {
      if (!isComplete(macs)) return false;
      const mac = functions.get(client);
      if (mac === null || own === undefined) return false;
      const start = own.id * macBytes;
      return timingSafeEqual(mac(digestOf(clusterId, bytes)), macs.subarray(start, start + macBytes));
    },
  };
}
