import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { combineKey, formatKeyShare, parseKeyShare, splitKey } from '../../../src/crypto/index.js';
import type { KeyShare, NamedKeyShare } from '../../../src/crypto/index.js';

fc.configureGlobal({ seed: 20_261_121 });

const content = new TextEncoder().encode('-----BEGIN PRIVATE KEY-----\nnot a real one\n');
const named = (shares: readonly KeyShare[]): NamedKeyShare[] =>
  shares.map((share) => ({ path: `share-${share.index}`, share }));
const three = (): Promise<readonly KeyShare[]> =>
  splitKey(content, { name: 'ca.key', shares: 5, threshold: 3 });

describe('shares of a key', () => {
  it('bring it back from any of them that are enough, in any order, and as texts', async () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 200 });
    const counts = fc.tuple(fc.integer({ min: 2, max: 6 }), fc.integer({ min: 0, max: 3 }));
    await fc.assert(
      fc.asyncProperty(
        bytes,
        counts,
        fc.infiniteStream(fc.nat()),
        async (secret, [threshold, more], draw) => {
          const shares = await splitKey(secret, { name: 'x', shares: threshold + more, threshold });
          const keyed = shares.map((share) => ({ share, by: draw.next().value }));
          const chosen = keyed.sort((a, b) => a.by - b.by).slice(0, threshold);
          const read = chosen.map(({ share }) => parseKeyShare(formatKeyShare(share), 'x'));
          expect(read).toEqual(chosen.map(({ share }) => share));
          expect(await combineKey(named(read))).toEqual(secret);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('bring it back from more than enough', async () => {
    expect(await combineKey(named(await three()))).toEqual(content);
  });

  it('do not show whether it was the same key', async () => {
    const [[a], [b]] = [await three(), await three()];
    expect(a!.commitment).not.toBe(b!.commitment);
    expect(a!.set).not.toBe(b!.set);
    expect(Buffer.from(a!.data).includes(Buffer.from(content.subarray(0, 8)))).toBe(false);
  });

  it.each([
    ['one share', 3, 1],
    ['more needed than there are', 3, 4],
    ['no share', 0, 2],
    ['too many', 256, 2],
    ['half a share', 3, 2.5],
  ])('are not made of %s', async (_, shares, threshold) => {
    await expect(splitKey(content, { name: 'x', shares, threshold })).rejects.toMatchObject({
      code: 'KEY_THRESHOLD_INVALID',
    });
  });

  it.each([0, (32 << 10) + 1])('are not made of a file of %i bytes', async (length) => {
    const file = splitKey(new Uint8Array(length), { name: 'x', shares: 3, threshold: 2 });
    await expect(file).rejects.toMatchObject({ code: 'KEY_FILE_MALFORMED' });
  });

  it('that are too few are told from none', async () => {
    const shares = await three();
    await expect(combineKey(named(shares.slice(0, 2)))).rejects.toMatchObject({
      code: 'KEY_SHARES_TOO_FEW',
      fields: { count: 2, threshold: 3 },
    });
    await expect(combineKey([])).rejects.toMatchObject({ code: 'KEY_SHARES_TOO_FEW' });
  });

  it('of two sets, and those given twice, are named', async () => {
    const [a, b] = [named(await three()), named(await three())];
    await expect(combineKey([a[0]!, a[1]!, b[2]!])).rejects.toMatchObject({
      code: 'KEY_SHARES_MIXED',
      fields: { paths: ['share-1', 'share-3'] },
    });
    await expect(combineKey([a[0]!, a[1]!, { ...a[1]!, path: 'copy' }])).rejects.toMatchObject({
      code: 'KEY_SHARES_REPEATED',
      fields: { paths: ['share-2', 'copy'] },
    });
  });

  it('of which somebody has forged one give no key', async () => {
    const shares = named((await three()).slice(0, 3));
    const { path, share } = shares[1]!;
    for (let at = 0; at < share.data.length; at++) {
      const data = Uint8Array.from(share.data);
      // The last byte of all is the point; another one of the set's is none of this share.
      data[at] = at === data.length - 1 ? shares[0]!.share.data.at(-1)! : data[at]! ^ 1;
      const forged = parseKeyShare(formatKeyShare({ ...share, data }), path);
      await expect(combineKey([shares[0]!, { path, share: forged }, shares[2]!])).rejects.toMatchObject({
        code: 'KEY_SHARES_CONTRADICT',
      });
    }
  });
});

describe('the text of a share', () => {
  it('does not survive the change of any character', async () => {
    const text = formatKeyShare((await three())[0]!);
    for (let at = 0; at < text.length - 1; at++) {
      const other = text[at] === 'x' ? 'y' : 'x';
      const changed = text.slice(0, at) + other + text.slice(at + 1);
      expect(() => parseKeyShare(changed, 'f'), `character ${at}`).toThrow(
        expect.objectContaining({ code: 'KEY_SHARE_MALFORMED', fields: { path: 'f' } }) as Error,
      );
    }
  });

  it('is not taken cut off, empty, of another kind, or from the origin of the polynomials', async () => {
    const [share] = await three();
    const text = formatKeyShare(share!);
    const data = Uint8Array.from(share!.data);
    data[data.length - 1] = 0;
    const wrong = ['', text.slice(0, -40), text + text, formatKeyShare({ ...share!, data })];
    wrong.push(formatKeyShare({ ...share!, index: 6 }), formatKeyShare({ ...share!, threshold: 1 }));
    for (const one of wrong)
      expect(() => parseKeyShare(one, 'f')).toThrow(
        expect.objectContaining({ code: 'KEY_SHARE_MALFORMED' }) as Error,
      );
  });
});
