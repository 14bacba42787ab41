/** What is kept of an entry is equal to what came, in less room. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { clientName } from '../../../src/base/index.js';
import { double, hidden } from '../../../src/codec/index.js';
import { KeptContent } from '../../../src/space/kept-content.js';
import { openAccess } from '../../../src/space/stored-entry.js';
import { alice, bob } from './samples.js';

const bytesOf = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i);

test('a kept tuple is equal, and stays so whatever is kept after it', () => {
  const byteStrings = fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 40 });
  fc.assert(
    fc.property(byteStrings, fc.string({ maxLength: 40 }), (strings, text) => {
      const content = new KeptContent();
      const tuples = strings.map((bytes, i) => [text, bytes, i, true, double(1), hidden]);
      const kept = tuples.map((values) => content.tuple(values));
      expect(kept).toEqual(tuples);
    }),
  );
});

test('short byte strings of many entries lie in one slab, which is small; long ones stay where they are', () => {
  const content = new KeptContent();
  const kept = Array.from({ length: 16 }, () => content.tuple([bytesOf(64)])[0] as Uint8Array);
  expect(new Set(kept.map(({ buffer }) => buffer)).size).toBe(1);
  expect(kept[0]!.buffer.byteLength).toBe(1_024);
  expect((content.tuple([bytesOf(64)])[0] as Uint8Array).buffer).not.toBe(kept[0]!.buffer);
  const long = bytesOf(129);
  expect(content.tuple([long])[0]).toBe(long);
});

test('entries of one owner in one space share their origin, unless it is narrowed', () => {
  const content = new KeptContent();
  const origin = { space: 1, owner: alice, access: openAccess, sealed: null };
  const kept = content.origin(origin);
  expect(kept).toEqual(origin);
  expect(content.origin({ ...origin })).toBe(kept);
  for (const other of [
    { ...origin, space: 2 },
    { ...origin, owner: bob },
    { ...origin, access: { readers: [alice] } },
  ]) {
    expect(content.origin(other)).toEqual(other);
    expect(content.origin(origin)).toBe(kept);
  }
});

test('what is shared is bounded: after many owners sharing begins anew', () => {
  const content = new KeptContent();
  const originOf = (owner: string) => ({
    space: 1,
    owner: clientName(owner),
    access: openAccess,
    sealed: null,
  });
  const first = content.origin(originOf('a'));
  for (let i = 0; i < 4_096; i++) content.origin(originOf(`b${i}`));
  expect(content.origin(originOf('a'))).not.toBe(first);
  expect(content.origin(originOf('a'))).toEqual(first);
});
