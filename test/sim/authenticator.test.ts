import { describe, expect, it } from 'vitest';
import { prng, replicaId } from '../../src/base/index.js';
import { encodeEnvelopeBody, sealEnvelope } from '../../src/codec/index.js';
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
    const open = { kind: 'open', client: alice.client, nonce: new Uint8Array(16) } as const;
    const bytes = encodeEnvelopeBody(open);
    expect(keyring.isAuthentic(sealEnvelope(open, bytes, alice.sign('envelope', bytes)))).toBe(true);
    expect(keyring.isAuthentic(sealEnvelope(open, bytes, bob.sign('envelope', bytes)))).toBe(false);
    expect(keyring.isAuthentic(sealEnvelope(open, bytes, alice.sign('rejoin', bytes)))).toBe(false);
  });
});
