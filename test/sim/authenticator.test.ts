import { describe, expect, it } from 'vitest';
import { prng, replicaId } from '../../src/base/index.js';
import { encodeEnvelopeBody, macBytes, sealEnvelope, sealWithMacs } from '../../src/codec/index.js';
import { Keyring } from '../../src/sim/authenticator.js';

describe('simulated signatures', () => {
  const body = Uint8Array.of(1, 2, 3);

  it('hold for their signer, purpose and bytes only', () => {
    const keyring = new Keyring(prng(1));
    const [a, b] = [keyring.createReplica(replicaId(0)), keyring.createReplica(replicaId(1))];
    const signature = a.sign('checkpoint', body);
    expect(b.verify(replicaId(0), 'checkpoint', body, signature)).toBe(true);
    expect(b.verify(replicaId(1), 'checkpoint', body, signature)).toBe(false);
    expect(b.verify(replicaId(2), 'checkpoint', body, signature)).toBe(false);
    expect(b.verify(replicaId(0), 'new-view', body, signature)).toBe(false);
    expect(b.verify(replicaId(0), 'checkpoint', Uint8Array.of(1, 2), signature)).toBe(false);
    expect(b.verify(replicaId(0), 'checkpoint', body, signature.subarray(1))).toBe(false);
  });

  it('hand each key out once', () => {
    const keyring = new Keyring(prng(1));
    keyring.createReplica(replicaId(0));
    expect(() => keyring.createReplica(replicaId(0))).toThrow('handed out before');
  });

  it('make an envelope authentic only for the client that it names', () => {
    const keyring = new Keyring(prng(1));
    const [alice, bob] = [keyring.createClient(), keyring.createClient()];
    const { isAuthentic } = keyring.createReplica(replicaId(0));
    const open = { kind: 'open', client: alice.client, nonce: new Uint8Array(16) } as const;
    const bytes = encodeEnvelopeBody(open);
    expect(isAuthentic(sealEnvelope(open, bytes, alice.sign('envelope', bytes)))).toBe(true);
    expect(isAuthentic(sealEnvelope(open, bytes, bob.sign('envelope', bytes)))).toBe(false);
    expect(isAuthentic(sealEnvelope(open, bytes, alice.sign('rejoin', bytes)))).toBe(false);
    expect(alice.makeMacs).toBeNull();
    expect(isAuthentic(sealWithMacs(open, bytes, new Uint8Array(4 * macBytes)))).toBe(false);
  });
});

describe('simulated MACs', () => {
  const keyring = new Keyring(prng(1), 4);
  const [alice, bob] = [keyring.createClient(), keyring.createClient()];
  const replicas = [0, 1, 2, 3].map((id) => keyring.createReplica(replicaId(id)));
  const open = { kind: 'open', client: alice.client, nonce: new Uint8Array(16) } as const;
  const bytes = encodeEnvelopeBody(open);
  const verdicts = (macs: Uint8Array): boolean[] =>
    replicas.map(({ isAuthentic }) => isAuthentic(sealWithMacs(open, bytes, macs)));

  it('are good at one replica each, of the client that is named', () => {
    const macs = alice.makeMacs!(bytes);
    expect(verdicts(macs)).toEqual([true, true, true, true]);
    expect(verdicts(macs.map((byte, at) => (at < 2 * macBytes ? byte ^ 1 : byte)))).toEqual([
      false,
      false,
      true,
      true,
    ]);
    expect(verdicts(bob.makeMacs!(bytes))).toEqual([false, false, false, false]);
    expect(verdicts(macs.subarray(macBytes))).toEqual([false, false, false, false]);
  });

  it('leave signatures what they are', () => {
    const signed = sealEnvelope(open, bytes, alice.sign('envelope', bytes));
    const maced = sealWithMacs(open, bytes, alice.makeMacs!(bytes));
    expect(replicas[3]!.isAuthentic(signed)).toBe(true);
    expect([signed, maced].map(replicas[3]!.isVerdictCommon)).toEqual([true, false]);
  });
});
