/** MACs of client envelopes: each holds at one replica, for one client, cluster and body only. */
import { createHmac, hkdfSync } from 'node:crypto';
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { beforeAll, describe, expect, test } from 'vitest';
import { clientId, fromHex, replicaId, sessionId, toHex } from '../../../src/base/index.js';
import { decodeEnvelope, macBytes, sealWithMacs } from '../../../src/codec/index.js';
import type { Envelope, EnvelopeBody } from '../../../src/codec/index.js';
import { createAuthenticator, createSealer, generateIdentityKey } from '../../../src/crypto/index.js';
import { identityKeyFromPem, purposeBytes, sha256, signEnvelope } from '../../../src/crypto/index.js';
import type { ClusterAuthenticator, ClusterDescription, IdentityKey } from '../../../src/crypto/index.js';
import { agreementKey, sharedSecret } from '../../../src/crypto/key-agreement.js';
import { macFunction } from '../../../src/crypto/request-macs.js';

/** The PKCS #8 of an Ed25519 key is this and its seed. */
const keyOf = (fill: number): IdentityKey => {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, fill)]);
  const pem = `-----BEGIN PRIVATE KEY-----\n${der.toString('base64')}\n-----END PRIVATE KEY-----\n`;
  return identityKeyFromPem(pem, 'test');
};

const client = keyOf(9);
const replicaKeys = [1, 2, 3, 4].map(keyOf);
const cluster: Pick<ClusterDescription, 'clusterId' | 'replicas' | 'settings'> = {
  clusterId: 'c1'.repeat(16),
  replicas: replicaKeys.map(({ publicKey }, id) => ({
    ...{ id: replicaId(id), address: `127.0.0.1:${id + 1}`, publicKey, tlsFingerprint: '' },
  })),
  settings: { requestAuth: 'mac' },
};
const signing = { ...cluster, settings: {} };
const requestsBy = (name: string): EnvelopeBody => ({
  ...{ kind: 'requests', client: clientId(name), session: sessionId(5), firstNumber: 3, lowestUnanswered: 2 },
  operations: [Uint8Array.of(1), Uint8Array.of(2)],
  finished: [],
});

let replicas: ClusterAuthenticator[];
let sealed: Envelope;

beforeAll(() => {
  replicas = replicaKeys.map((key) => createAuthenticator({ cluster, key }));
  sealed = createSealer(cluster, client)(requestsBy(client.publicKey));
});

const verdicts = (envelope: Envelope): boolean[] => replicas.map(({ isAuthentic }) => isAuthentic(envelope));
const withMacs = ({ body, signedBytes }: Envelope, macs: Uint8Array): Envelope =>
  sealWithMacs(body, signedBytes, macs);
const none = [false, false, false, false];

describe('key agreement', () => {
  test('takes Ed25519 keys to X25519 as the reference does', () => {
    for (let i = 0; i < 20; i++) {
      const seed = new Uint8Array(32).fill(i);
      const other = ed25519.getPublicKey(new Uint8Array(32).fill(200 + i));
      const secret = ed25519.utils.toMontgomerySecret(seed);
      const expected = x25519.getSharedSecret(secret, ed25519.utils.toMontgomery(other));
      expect(new Uint8Array(sharedSecret(agreementKey(seed), toHex(other))!)).toEqual(expected);
    }
  });

  test('gives both ends the same', () => {
    const [a, b] = [generateIdentityKey().key, generateIdentityKey().key];
    expect(a.agree(b.publicKey)).toEqual(b.agree(a.publicKey));
    expect(a.agree(b.publicKey)).not.toEqual(a.agree(client.publicKey));
  });

  test('refuses what is no key, and points of small order', () => {
    const littleEndian = (value: bigint): string =>
      toHex(Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse());
    const prime = 2n ** 255n - 19n;
    const bad = [
      '',
      'nonsense',
      'ab'.repeat(31),
      ...[0n, 1n, prime - 1n, prime, prime + 1n].map(littleEndian),
    ];
    for (const publicKey of bad) expect([publicKey, client.agree(publicKey)]).toEqual([publicKey, null]);
  });
});

describe('the MAC', () => {
  test('is HMAC-SHA256 cut to half', () => {
    for (const length of [1, 31, 32]) {
      const key = new Uint8Array(length).fill(length);
      const digest = sha256(Uint8Array.of(length));
      const expected = createHmac('sha256', key).update(fromHex(digest)!).digest().subarray(0, macBytes);
      expect(macFunction(key)(digest)).toEqual(expected);
    }
  });

  test('of known keys is a known one, made step by step', () => {
    const secret = x25519.getSharedSecret(
      ed25519.utils.toMontgomerySecret(new Uint8Array(32).fill(9)),
      ed25519.utils.toMontgomery(fromHex(cluster.replicas[2]!.publicKey)!),
    );
    const pair = new TextEncoder().encode(`${client.publicKey} 2`);
    const label = purposeBytes('request-mac-key', cluster.clusterId, pair);
    const key = Buffer.from(hkdfSync('sha256', secret, new Uint8Array(0), label, 32));
    const digest = fromHex(sha256(purposeBytes('envelope-macs', cluster.clusterId, sealed.signedBytes)))!;
    const mac = createHmac('sha256', key).update(digest).digest('hex').slice(0, 32);
    expect(toHex(sealed.macs!).slice(64, 96)).toBe(mac);
    expect(toHex(sealed.macs!)).toBe(
      '8251630a2a029ba4e7243c0538210c4b1f657ae32547aecf00b759caa250ed20d4054d9e54f49a127ba06732b614d71b869cabebefe0c539822f580e34e4673a',
    );
  });
});

describe('envelopes with MACs', () => {
  test('are authentic at each replica, also after the wire', () => {
    expect(sealed.macs).toHaveLength(4 * macBytes);
    expect(verdicts(sealed)).toEqual([true, true, true, true]);
    expect(verdicts(decodeEnvelope(sealed.bytes)!)).toEqual([true, true, true, true]);
  });

  test.each([0, 1, 2, 3])('are so at replica %i by its own MAC alone', (id) => {
    const only = sealed.macs!.map((byte, at) => (Math.floor(at / macBytes) === id ? byte : byte ^ 1));
    expect(verdicts(withMacs(sealed, only))).toEqual(none.map((_, at) => at === id));
    const but = sealed.macs!.map((byte, at) => (at === id * macBytes ? byte ^ 1 : byte));
    expect(verdicts(withMacs(sealed, but))).toEqual(none.map((_, at) => at !== id));
  });

  test('of which some are missing or too many are good for nobody, and all know it', () => {
    for (const macs of [
      sealed.macs!.subarray(macBytes),
      new Uint8Array([...sealed.macs!, ...sealed.macs!]),
    ]) {
      const envelope = withMacs(sealed, macs);
      expect(verdicts(envelope)).toEqual(none);
      expect(replicas.every(({ isVerdictCommon }) => isVerdictCommon(envelope))).toBe(true);
    }
  });

  test('say nothing about the verdicts of others', () => {
    expect(replicas.some(({ isVerdictCommon }) => isVerdictCommon(sealed))).toBe(false);
    const signed = signEnvelope(requestsBy(client.publicKey), client, cluster.clusterId);
    expect(replicas.every(({ isVerdictCommon }) => isVerdictCommon(signed))).toBe(true);
  });

  test('do not hold in the name of another, for another body, or in another cluster', () => {
    const inAnothersName = createSealer(cluster, client)(requestsBy(keyOf(8).publicKey));
    expect(verdicts(inAnothersName)).toEqual(none);
    const changed = {
      ...sealed,
      signedBytes: sealed.signedBytes.map((byte, at) => (at === 9 ? byte ^ 1 : byte)),
    };
    expect(verdicts(changed)).toEqual(none);
    const elsewhere = { ...cluster, clusterId: 'c2'.repeat(16) };
    expect(verdicts(createSealer(elsewhere, client)(requestsBy(client.publicKey)))).toEqual(none);
  });

  test('of a replica pass for no client, and those for one replica not for another', () => {
    const byReplica = createSealer(cluster, replicaKeys[0]!)(requestsBy(client.publicKey));
    expect(verdicts(byReplica)).toEqual(none);
    const turned = new Uint8Array([
      ...sealed.macs!.subarray(macBytes),
      ...sealed.macs!.subarray(0, macBytes),
    ]);
    expect(verdicts(withMacs(sealed, turned))).toEqual(none);
  });

  test('are never authentic on a REJOIN', () => {
    const body = { kind: 'rejoin', replica: replicaId(1), startedAt: 1, nonce: new Uint8Array(16) } as const;
    expect(verdicts(withMacs({ ...sealed, body }, sealed.macs!))).toEqual(none);
  });

  test('are refused where clients sign, which all replicas know; signed ones are taken where clients make MACs', () => {
    const strict = createAuthenticator({ cluster: signing, key: replicaKeys[0]! });
    expect([strict.isAuthentic(sealed), strict.isVerdictCommon(sealed)]).toEqual([false, true]);
    const signed = createSealer(signing, client)(requestsBy(client.publicKey));
    expect(signed.macs).toBeNull();
    expect([strict.isAuthentic(signed), ...verdicts(signed)]).toEqual([true, true, true, true, true]);
  });
});
