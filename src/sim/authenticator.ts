/**
 * Simulated signatures: SHA-256 over a secret of the owner, the purpose and the bytes. Verification knows
 * all secrets but gives none away, and each owner's signing function is handed out once, so code without
 * that function (a Byzantine replica, say) cannot forge. MACs likewise, one for each replica: it can check its own, and only
 * the client can make any. Cheap: no curve arithmetic. Never for real keys.
 */
import { hash as nodeHash } from 'node:crypto';
import {
  assert,
  clientId,
  concatBytes,
  digest,
  encodeUtf8,
  fromHex,
  replicaId,
  toHex,
} from '../base/index.js';
import type { ClientId, HashFunction, Prng, ReplicaId } from '../base/index.js';
import { macBytes } from '../codec/index.js';
import type { Envelope } from '../codec/index.js';
import type { Authenticator, SigningPurpose } from '../ordering/index.js';

/** Signs with the key of the one owner that it was handed out to. */
export type Sign = (purpose: SigningPurpose | 'envelope', bytes: Uint8Array) => Uint8Array;

/** A client identity, which alone can sign for itself. */
export interface ClientSigner {
  readonly client: ClientId;
  readonly sign: Sign;
  /** In place of signatures on envelopes, one for each replica; null: envelopes are signed. */
  readonly makeMacs: ((bytes: Uint8Array) => Uint8Array) | null;
}

export const sha256: HashFunction = (bytes) => digest(nodeHash('sha256', bytes, 'hex'));

export class Keyring {
  readonly #random: Prng;
  /** For which clients make MACs; 0: they sign. */
  readonly #macCount: number;
  readonly #secrets = new Map<string, Uint8Array>();

  constructor(random: Prng, macCount = 0) {
    this.#random = random;
    this.#macCount = macCount;
  }

  /** A new client identity and the only object that can sign for it. */
  createClient(): ClientSigner {
    const client = clientId(toHex(this.#secretBytes()));
    const sign = this.#create(client);
    if (this.#macCount === 0) return { client, sign, makeMacs: null };
    const replicas = Array.from({ length: this.#macCount }, (_, index) => replicaId(index));
    const makeMacs = (bytes: Uint8Array): Uint8Array =>
      concatBytes(replicas.map((replica) => this.#mac(client, replica, bytes)!));
    return { client, sign, makeMacs };
  }

  /** The authenticator of a replica; the only object that can sign for it. At most once a replica. */
  createReplica(replica: ReplicaId): Authenticator {
    const sign = this.#create(ownerOf(replica));
    return {
      hash: sha256,
      sign,
      verify: (signer, purpose, body, signature) => this.#verify(ownerOf(signer), purpose, body, signature),
      isAuthentic: (envelope) => this.#isAuthentic(envelope, replica),
      isVerdictCommon: ({ macs }) =>
        macs === null || this.#macCount === 0 || macs.length !== this.#macCount * macBytes,
    };
  }

  #isAuthentic({ body, signedBytes, signature, macs }: Envelope, replica: ReplicaId): boolean {
    if (signature === null) {
      if (body.kind === 'rejoin' || macs?.length !== this.#macCount * macBytes) return false;
      const own = this.#mac(body.client, replica, signedBytes);
      return own?.every((byte, index) => byte === macs[replica * macBytes + index]) ?? false;
    }
    if (body.kind === 'rejoin') return this.#verify(ownerOf(body.replica), 'rejoin', signedBytes, signature);
    return this.#verify(body.client, 'envelope', signedBytes, signature);
  }

  #create(owner: string): Sign {
    assert(!this.#secrets.has(owner), `the key of ${owner} was handed out before`);
    const secret = this.#secretBytes();
    this.#secrets.set(owner, secret);
    return (purpose, bytes) => signatureOf(secret, purpose, bytes);
  }

  #verify(owner: string, purpose: string, bytes: Uint8Array, signature: Uint8Array): boolean {
    const secret = this.#secrets.get(owner);
    if (secret === undefined || signature.length !== signatureLength) return false;
    const expected = signatureOf(secret, purpose, bytes);
    return expected.every((byte, index) => byte === signature[index]);
  }

  /** Null: nobody has that name. */
  #mac(client: ClientId, replica: ReplicaId, bytes: Uint8Array): Uint8Array | null {
    const secret = this.#secrets.get(client);
    return secret === undefined
      ? null
      : signatureOf(secret, `MAC for ${replica}`, bytes).subarray(0, macBytes);
  }

  #secretBytes(): Uint8Array {
    return Uint8Array.from({ length: 32 }, () => this.#random.below(256));
  }
}

/** As long as an Ed25519 signature, so that sizes are those of a real cluster. */
const signatureLength = 64;

const ownerOf = (replica: ReplicaId): string => `replica ${replica}`;

function signatureOf(secret: Uint8Array, purpose: string, bytes: Uint8Array): Uint8Array {
  const tag = encodeUtf8(purpose)!;
  const input = new Uint8Array(secret.length + tag.length + 1 + bytes.length);
  input.set(secret);
  input.set(tag, secret.length);
  input.set(bytes, secret.length + tag.length + 1);
  const signature = new Uint8Array(signatureLength);
  signature.set(fromHex(sha256(input))!);
  return signature;
}
