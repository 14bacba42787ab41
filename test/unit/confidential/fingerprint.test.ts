/** Protections and fingerprints of tuples and templates. */
import { describe, expect, it } from 'vitest';
import {
  any,
  double,
  encodeTuple,
  formal,
  hidden,
  normalizeTemplate,
  Tag,
} from '../../../src/codec/index.js';
import { createTagger, fingerprintTemplate, fingerprintTuple } from '../../../src/confidential/index.js';
import { protectionsOf } from '../../../src/confidential/index.js';
import { isFingerprintOf, wrongTagIndex } from '../../../src/confidential/fingerprint.js';
import { createKeep, sampleProtections, sampleTuple } from '../../support/confidential.js';
import { sodium } from '../../support/pvss.js';

const { tagger } = createKeep(4);

describe('protections', () => {
  it('are comparable unless said', () => {
    expect(protectionsOf(3)).toEqual(['comparable', 'comparable', 'comparable']);
    expect(protectionsOf(0)).toEqual([]);
    expect(protectionsOf(2, ['public', 'private'])).toEqual(['public', 'private']);
  });

  it.each([
    [2, ['public'], { count: 1, arity: 2 }],
    [1, ['public', 'private'], { count: 2, arity: 1 }],
    [2, ['public', 'secret'], { index: 1 }],
    [1, [undefined], { index: 0 }],
    [1, 'public', {}],
  ])('of %i fields are not %j', (arity, wanted, fields) => {
    const call = (): unknown => protectionsOf(arity, wanted as string[]);
    expect(call).toThrow(expect.objectContaining({ code: 'CONFIDENTIAL_PROTECTION_INVALID', fields }));
  });
});

describe('fingerprints', () => {
  it('have the value, a tag or nothing of a field', () => {
    const fingerprint = fingerprintTuple(sampleTuple, sampleProtections, tagger);
    expect(fingerprint[0]).toBe('job');
    expect(fingerprint[1]).toEqual(new Tag('int', (fingerprint[1] as Tag).point));
    expect(fingerprint[2]).toEqual(new Tag('double', (fingerprint[2] as Tag).point));
    expect(fingerprint[3]).toBe(hidden);
    expect(fingerprint[5]).toBe(true);
    const text = Buffer.from(encodeTuple(fingerprint)).toString('latin1');
    expect(text).toContain('job');
    expect(text).not.toContain('secret');
  });

  it('tell 1, "1" and double(1) apart, and 1 from no 1n (pitfall 33)', () => {
    const points = [1, '1', double(1), true, Uint8Array.of(1)].map((field) => tagger.tag(field).point.join());
    expect(new Set(points).size).toBe(5);
    expect(tagger.tag(1)).toEqual(tagger.tag(1));
  });

  it('differ from space to space', () => {
    const other = createTagger(sodium, new Uint8Array(32).fill(3))!;
    expect(other.tagKey).not.toEqual(tagger.tagKey);
    expect(other.tag('job').point).not.toEqual(tagger.tag('job').point);
  });

  it('keep the tags that were used last, and no more', () => {
    const first = tagger.tag('first');
    for (let value = 0; value < 1100; value++) tagger.tag(value);
    expect(tagger.tag('first')).toEqual(first);
    expect(tagger.tag('x'.repeat(1000))).toEqual(tagger.tag('x'.repeat(1000)));
  });

  it('fit their tuple alone', () => {
    const fingerprint = fingerprintTuple(sampleTuple, sampleProtections, tagger);
    expect(isFingerprintOf(fingerprint, sampleTuple)).toBe(true);
    expect(wrongTagIndex(fingerprint, sampleTuple, tagger)).toBe(-1);
    expect(isFingerprintOf(fingerprint, sampleTuple.slice(1))).toBe(false);
    expect(isFingerprintOf(fingerprint, sampleTuple.slice(0, -1))).toBe(false);
    expect(isFingerprintOf(fingerprint, [...sampleTuple, 1])).toBe(false);
    expect(isFingerprintOf(fingerprint, sampleTuple.with(0, 'jobs'))).toBe(false);
    expect(isFingerprintOf(fingerprint, sampleTuple.with(1, '42'))).toBe(false);
    expect(isFingerprintOf(fingerprint, sampleTuple.with(3, 5))).toBe(true);
    expect(wrongTagIndex(fingerprint, sampleTuple.with(2, double(4)), tagger)).toBe(2);
  });
});

describe('fingerprints of templates', () => {
  const protections = ['public', 'comparable', 'private'] as const;

  it('have tags for comparable values, and formals and any as they are', () => {
    const template = fingerprintTemplate(normalizeTemplate(['job', 42, any]), protections, tagger);
    expect(template).toEqual([
      { kind: 'value', value: 'job' },
      { kind: 'value', value: tagger.tag(42) },
      any,
    ]);
    const formals = normalizeTemplate([any, formal.int, any]);
    expect(fingerprintTemplate(formals, protections, tagger)).toEqual(formals);
  });

  it.each([['x'], [formal.string]])('ask nothing of a private field: %j', (field) => {
    const template = normalizeTemplate([any, any, field]);
    const call = (): unknown => fingerprintTemplate(template, protections, tagger);
    expect(call).toThrow(
      expect.objectContaining({ code: 'CONFIDENTIAL_FIELD_PRIVATE', fields: { index: 2 } }),
    );
  });
});
