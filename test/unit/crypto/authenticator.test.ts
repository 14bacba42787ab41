/** Signatures of replicas, envelopes and hellos: each holds for one purpose, cluster and signer only. */
import { beforeAll, describe, expect, test } from 'vitest';
import { clientId, replicaId, sessionId } from '../../../src/base/index.js';
import { decodeEnvelope, sealEnvelope } from '../../../src/codec/index.js';
import type { EnvelopeBody } from '../../../src/codec/index.js';
import {
  createAuthenticator,
  createClusterMaterial,
  generateIdentityKey,
} from '../../../src/crypto/index.js';
import { identityKeyFromPem, signEnvelope } from '../../../src/crypto/index.js';
import { sha256, signHello, verifyHello } from '../../../src/crypto/index.js';
import type { ClusterAuthenticator, ClusterDescription, IdentityKey } from '../../../src/crypto/index.js';

let cluster: ClusterDescription;
let other: ClusterDescription;
let replicaKeys: IdentityKey[];
let admin: IdentityKey;
let authenticator: ClusterAuthenticator;

const hosts = [1, 2, 3, 4].map((port) => `127.0.0.1:${port}`);

beforeAll(async () => {
  const material = await createClusterMaterial({ hosts, now: new Date() });
  const key = (path: string): IdentityKey =>
    identityKeyFromPem(material.files.find((file) => file.path === path)!.content, path);
  cluster = material.description;
  replicaKeys = [0, 1, 2, 3].map((id) => key(`replica-${id}/replica.key`));
  admin = key('clients/admin/identity.key');
  authenticator = createAuthenticator({ cluster, key: replicaKeys[0]! });
  other = (await createClusterMaterial({ hosts, now: new Date() })).description;
});

const openBy = (client: string): EnvelopeBody => ({
  kind: 'open',
  client: clientId(client),
  nonce: new Uint8Array(16).fill(7),
});
const requestsBy = (client: string): EnvelopeBody => ({
  kind: 'requests',
  client: clientId(client),
  session: sessionId(5),
  firstNumber: 3,
  lowestUnanswered: 2,
  operations: [Uint8Array.of(1), Uint8Array.of(2)],
  finished: [],
});
const rejoinOf = (id: number): EnvelopeBody => ({
  kind: 'rejoin',
  replica: replicaId(id),
  startedAt: 1_000,
  nonce: new Uint8Array(16),
});

describe('replica signatures', () => {
  const body = Uint8Array.of(1, 2, 3);

  test('hold for the signer, the purpose and the body', () => {
    const signature = authenticator.sign('checkpoint', body);
    expect(authenticator.verify(replicaId(0), 'checkpoint', body, signature)).toBe(true);
    expect(authenticator.verify(replicaId(1), 'checkpoint', body, signature)).toBe(false);
    expect(authenticator.verify(replicaId(0), 'view-change', body, signature)).toBe(false);
    expect(authenticator.verify(replicaId(0), 'checkpoint', Uint8Array.of(1, 2), signature)).toBe(false);
  });

  test('are void in another cluster, even with the same keys', () => {
    const signature = authenticator.sign('checkpoint', body);
    const elsewhere = createAuthenticator({
      cluster: { ...cluster, clusterId: other.clusterId },
      key: replicaKeys[1]!,
    });
    expect(elsewhere.verify(replicaId(0), 'checkpoint', body, signature)).toBe(false);
  });

  test('of a replica that does not exist are refused (pitfall 3)', () => {
    const signature = authenticator.sign('checkpoint', body);
    for (const id of [-1, 4, 0.5, NaN]) {
      expect(authenticator.verify(replicaId(id), 'checkpoint', body, signature)).toBe(false);
    }
  });

  test('hash is SHA-256', () => {
    expect(authenticator.hash(body)).toBe(sha256(body));
  });
});

describe('envelopes', () => {
  test('of a client are authentic, also after the wire', () => {
    for (const body of [openBy(admin.publicKey), requestsBy(admin.publicKey)]) {
      const envelope = signEnvelope(body, admin, cluster.clusterId);
      expect(authenticator.isAuthentic(envelope)).toBe(true);
      expect(authenticator.isAuthentic(decodeEnvelope(envelope.bytes)!)).toBe(true);
    }
  });

  test('are so whether or not their client is registered: that is judged where they are executed', () => {
    const { key } = generateIdentityKey();
    const envelope = signEnvelope(requestsBy(key.publicKey), key, cluster.clusterId);
    expect(cluster.clients.map(({ publicKey }) => publicKey)).not.toContain(key.publicKey);
    expect(authenticator.isAuthentic(envelope)).toBe(true);
  });

  test("in another's name are not", () => {
    const { key } = generateIdentityKey();
    const forged = signEnvelope(requestsBy(admin.publicKey), key, cluster.clusterId);
    expect(authenticator.isAuthentic(forged)).toBe(false);
  });

  test('with changed bytes or signature are not', () => {
    const { body, signedBytes, signature } = signEnvelope(
      requestsBy(admin.publicKey),
      admin,
      cluster.clusterId,
    );
    const changed = (bytes: Uint8Array): Uint8Array => bytes.map((byte, i) => (i === 9 ? byte ^ 1 : byte));
    expect(authenticator.isAuthentic(sealEnvelope(body, changed(signedBytes), signature!))).toBe(false);
    expect(authenticator.isAuthentic(sealEnvelope(body, signedBytes, changed(signature!)))).toBe(false);
    expect(authenticator.isAuthentic(sealEnvelope(body, signedBytes, new Uint8Array(0)))).toBe(false);
  });

  test('for another cluster are not', () => {
    const envelope = signEnvelope(openBy(admin.publicKey), admin, other.clusterId);
    expect(authenticator.isAuthentic(envelope)).toBe(false);
  });

  test('REJOIN is authentic by the key of the very replica only', () => {
    const byItself = signEnvelope(rejoinOf(2), replicaKeys[2]!, cluster.clusterId);
    const byPeer = signEnvelope(rejoinOf(2), replicaKeys[1]!, cluster.clusterId);
    const byClient = signEnvelope(rejoinOf(2), admin, cluster.clusterId);
    const ofNobody = signEnvelope(rejoinOf(4), replicaKeys[2]!, cluster.clusterId);
    expect([byItself, byPeer, byClient, ofNobody].map(authenticator.isAuthentic)).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  test('a replica may sign its REJOIN by its authenticator', () => {
    const body = rejoinOf(0);
    const { signedBytes } = signEnvelope(body, replicaKeys[0]!, cluster.clusterId);
    const envelope = sealEnvelope(body, signedBytes, authenticator.sign('rejoin', signedBytes));
    expect(authenticator.isAuthentic(envelope)).toBe(true);
  });

  test('no purpose stands in for another', () => {
    const body = rejoinOf(0);
    const { signedBytes } = signEnvelope(body, replicaKeys[0]!, cluster.clusterId);
    const checkpoint = authenticator.sign('checkpoint', signedBytes);
    expect(authenticator.isAuthentic(sealEnvelope(body, signedBytes, checkpoint))).toBe(false);
  });
});

describe('hello', () => {
  const context = () => ({
    clusterId: cluster.clusterId,
    replica: replicaId(1),
    certificateFingerprint: Buffer.from(cluster.replicas[1]!.tlsFingerprint, 'hex'),
    nonce: new Uint8Array(32).fill(9),
  });

  test('holds for this stream only: replica, certificate, nonce, session, cluster, client', () => {
    const hello = signHello(context(), sessionId(3), admin);
    expect(verifyHello(context(), hello)).toBe(true);
    expect(verifyHello({ ...context(), replica: replicaId(2) }, hello)).toBe(false);
    expect(verifyHello({ ...context(), certificateFingerprint: new Uint8Array(32) }, hello)).toBe(false);
    expect(verifyHello({ ...context(), nonce: new Uint8Array(32).fill(8) }, hello)).toBe(false);
    expect(verifyHello({ ...context(), clusterId: other.clusterId }, hello)).toBe(false);
    expect(verifyHello(context(), { ...hello, session: sessionId(4) })).toBe(false);
    const { key } = generateIdentityKey();
    expect(verifyHello(context(), { ...hello, client: clientId(key.publicKey) })).toBe(false);
    expect(verifyHello(context(), { ...hello, client: clientId('nonsense') })).toBe(false);
    expect(verifyHello(context(), { ...hello, signature: hello.signature.subarray(1) })).toBe(false);
  });
});
