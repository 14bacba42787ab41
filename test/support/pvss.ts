/** Shareholders with seeded keys, and seeded bytes in the place of randomness. */
import { createHash } from 'node:crypto';
import { loadSodiumGroup } from '../../src/crypto/pvss/sodium-group.js';
import { nobleGroup } from '../../src/crypto/pvss/noble-group.js';
import { createShareholders, finishDealing, prepareDealing } from '../../src/crypto/pvss/dealing.js';
import type { Dealing, Shareholders } from '../../src/crypto/pvss/dealing.js';
import type { Group } from '../../src/crypto/pvss/group.js';
import { createShareKey, generateShareSecret } from '../../src/crypto/pvss/share.js';
import type { Share, ShareKey } from '../../src/crypto/pvss/share.js';
import type { RandomBytes } from '../../src/crypto/pvss/scalar.js';

export const sodium = await loadSodiumGroup();
export const groups: readonly Group[] = [nobleGroup(), sodium];

/** SHA-512 of seed and counter, over and over. */
export function seededRandom(seed: string): RandomBytes {
  let counter = 0;
  return (length) => {
    const out = new Uint8Array(length);
    for (let offset = 0; offset < length; offset += 64) {
      const block = createHash('sha512').update(`${seed}/${counter++}`).digest();
      out.set(block.subarray(0, Math.min(64, length - offset)), offset);
    }
    return out;
  };
}

export interface Circle {
  readonly group: Group;
  readonly keys: readonly ShareKey[];
  readonly shareholders: Shareholders;
  readonly random: RandomBytes;
}

/** n replicas, f + 1 of which can open. */
export function createCircle(group: Group, n: number, seed = 'circle'): Circle {
  const random = seededRandom(`${seed}/${n}`);
  const keys = Array.from({ length: n }, () => createShareKey(group, generateShareSecret(random))!);
  const threshold = Math.floor((n - 1) / 3) + 1;
  const encodedKeys = keys.map((key) => key.publicKey);
  return { group, keys, shareholders: createShareholders(group, threshold, encodedKeys)!, random };
}

export interface Dealt {
  readonly dealing: Dealing;
  readonly digest: Uint8Array;
  readonly secret: Uint8Array;
  readonly context: Uint8Array;
}

export function deal({ group, shareholders, random }: Circle, context: Uint8Array = Uint8Array.of(7)): Dealt {
  let secret: Uint8Array = new Uint8Array(0);
  const prepared = prepareDealing(group, shareholders, random);
  const finished = finishDealing(prepared, (point) => {
    secret = Uint8Array.from(point);
    return context;
  });
  return { ...finished, secret, context };
}

export function sharesOf({ keys, random }: Circle, { dealing, digest }: Dealt): Share[] {
  return keys.map((key, at) => key.decrypt(digest, at + 1, dealing.encryptedShares[at]!, random));
}

/** Every copy of `bytes` with one bit changed. */
export function* bitChanges(bytes: Uint8Array): Generator<Uint8Array> {
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const changed = Uint8Array.from(bytes);
    changed[bit >> 3]! ^= 1 << (bit & 7);
    yield changed;
  }
}
