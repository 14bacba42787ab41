/** Digests and signatures against published vectors, and the properties that the protocol leans on. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromHex, toHex } from '../../../src/base/index.js';
import { generateIdentityKey, identityKeyFromPem } from '../../../src/crypto/index.js';
import { purposeBytes, sha256, verifySignature } from '../../../src/crypto/index.js';

const bytes = (hex: string): Uint8Array => fromHex(hex)!;
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

describe('sha256', () => {
  test.each([
    ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    [
      'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    ],
    ['a'.repeat(1_000_000), 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0'],
  ])('FIPS 180-4 example %#', (input, expected) => {
    expect(sha256(text(input))).toBe(expected);
  });

  test('covers exactly the view, not the buffer behind it', () => {
    expect(sha256(text('xabcx').subarray(1, 4))).toBe(sha256(text('abc')));
  });
});

/** RFC 8032 section 7.1: secret key, public key, message, signature. */
const rfc8032: readonly (readonly [string, string, string, string])[] = [
  [
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
  [
    'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    'af82',
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  ],
  [
    '833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42',
    'ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf',
    'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
    'dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704',
  ],
];

function pemOfSeed(seed: string): string {
  const base64 = Buffer.from(`302e020100300506032b657004220420${seed}`, 'hex').toString('base64');
  return `-----BEGIN PRIVATE KEY-----\n${base64}\n-----END PRIVATE KEY-----\n`;
}

describe('Ed25519', () => {
  test.each(rfc8032)('RFC 8032 vector of secret key %s', (secret, publicKey, message, signature) => {
    const key = identityKeyFromPem(pemOfSeed(secret), 'vector');
    expect(key.publicKey).toBe(publicKey);
    expect(toHex(key.sign(bytes(message)))).toBe(signature);
    expect(verifySignature(publicKey, bytes(message), bytes(signature))).toBe(true);
  });

  test('a generated key is the one in its PEM', () => {
    const { key, pem } = generateIdentityKey();
    const again = identityKeyFromPem(pem, 'generated');
    expect(again.publicKey).toBe(key.publicKey);
    expect(again.sign(text('m'))).toEqual(key.sign(text('m')));
    expect(key.publicKey).toMatch(/^[0-9a-f]{64}$/);
    expect(generateIdentityKey().key.publicKey).not.toBe(key.publicKey);
  });

  test('one flipped bit anywhere in message, signature or key is refused', () => {
    const { key } = generateIdentityKey();
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 200 }),
        fc.nat(),
        fc.nat(7),
        (message, at, bit) => {
          const signature = key.sign(message);
          const flipped = (original: Uint8Array): Uint8Array => {
            const copy = Uint8Array.from(original);
            copy[at % copy.length]! ^= 1 << bit;
            return copy;
          };
          expect(verifySignature(key.publicKey, message, signature)).toBe(true);
          expect(verifySignature(key.publicKey, flipped(message), signature)).toBe(false);
          expect(verifySignature(key.publicKey, message, flipped(signature))).toBe(false);
          expect(verifySignature(toHex(flipped(bytes(key.publicKey))), message, signature)).toBe(false);
        },
      ),
    );
  });

  test('a second signature made by adding the group order is refused', () => {
    const [, publicKey, message, signature] = rfc8032[1]!;
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    const malleable = bytes(signature);
    let s = 0n;
    for (let i = 63; i >= 32; i--) s = (s << 8n) | BigInt(malleable[i]!);
    s += order;
    for (let i = 32; i < 64; i++) {
      malleable[i] = Number(s & 0xffn);
      s >>= 8n;
    }
    expect(s).toBe(0n);
    expect(verifySignature(publicKey, bytes(message), malleable)).toBe(false);
  });

  test('malformed keys and signatures are refused and never throw', () => {
    const { key } = generateIdentityKey();
    const message = text('m');
    const signature = key.sign(message);
    // The y coordinate 2 is on no point; the second is not canonical (y = p).
    const notPoints = [`02${'00'.repeat(31)}`, `ed${'ff'.repeat(30)}7f`];
    const wrong = ['', 'zz', key.publicKey.toUpperCase(), key.publicKey.slice(2), `${key.publicKey}00`];
    for (const publicKey of [...notPoints, ...wrong]) {
      expect(verifySignature(publicKey, message, signature)).toBe(false);
    }
    for (const length of [0, 1, 63, 65, 128]) {
      expect(verifySignature(key.publicKey, message, new Uint8Array(length))).toBe(false);
    }
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.uint8Array({ maxLength: 80 }),
        (raw, junk) => {
          expect(verifySignature(toHex(raw), message, junk)).toBe(false);
        },
      ),
    );
  });

  test('stays right when more keys are in use than are kept', () => {
    const { key } = generateIdentityKey();
    const message = text('m');
    const signature = key.sign(message);
    for (let i = 0; i < 4_200; i++) {
      verifySignature(i.toString(16).padStart(64, '0'), message, new Uint8Array(64));
    }
    expect(verifySignature(key.publicKey, message, signature)).toBe(true);
    expect(verifySignature(key.publicKey, text('n'), signature)).toBe(false);
  });
});

describe('purposeBytes', () => {
  test('has exactly this form, which all versions of the protocol share', () => {
    expect(toHex(purposeBytes('hello', 'ab', Uint8Array.of(1, 2)))).toBe(
      `0000000b${toHex(text('theodora/v1'))}00000005${toHex(text('hello'))}00000002${toHex(text('ab'))}0102`,
    );
  });

  test('different inputs give different bytes', () => {
    const part = fc.string({ unit: fc.constantFrom('a', 'b', '\0', 'ü'), maxLength: 6 });
    const body = fc.uint8Array({ max: 3, maxLength: 6 });
    fc.assert(
      fc.property(part, part, body, part, part, body, (p, c, b, p2, c2, b2) => {
        const isSame = p === p2 && c === c2 && toHex(b) === toHex(b2);
        expect(toHex(purposeBytes(p, c, b)) === toHex(purposeBytes(p2, c2, b2))).toBe(isSame);
      }),
      { numRuns: 500 },
    );
  });
});
