import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { any, formal, type Template } from '../../../src/codec/index.js';
import { matches } from '../../../src/space/index.js';
import { TemplateIndex, type Interest } from '../../../src/space/template-index.js';
import {
  fingerprintArbitrary,
  fingerprintTemplateArbitrary,
  sha256,
  template,
  templateArbitrary,
  tuple,
  tupleArbitrary,
} from './samples.js';

const interests = (...templates: Template[]): Interest[] =>
  templates.map((each, index) => ({ id: index + 1, template: each }));

it.each([
  ['tuples', tupleArbitrary, templateArbitrary],
  ['fingerprints', fingerprintArbitrary, fingerprintTemplateArbitrary],
])(
  'finds exactly those whose template matches, in order, whatever was removed before: %s',
  (_, some, asked) => {
    fc.assert(
      fc.property(
        fc.array(asked, { maxLength: 40 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        fc.array(some, { minLength: 1, maxLength: 10 }),
        (templates, removals, tuples) => {
          const index = new TemplateIndex<Interest>(sha256);
          let left = interests(...templates);
          for (const interest of left) index.add(interest);
          for (const removal of removals) {
            const gone = left[removal % Math.max(1, left.length)];
            if (gone === undefined) break;
            index.remove(gone);
            left = left.filter((interest) => interest !== gone);
          }
          expect(index.size).toBe(left.length);
          for (const each of tuples) {
            const expected = left.filter((interest) => matches(interest.template, each));
            expect([...index.matching(each)]).toEqual(expected);
          }
        },
      ),
    );
  },
);

it('goes on over what is removed as soon as it is found', () => {
  const index = new TemplateIndex<Interest>(sha256);
  const all = interests(template('a', any), template(any, 1), template('a', formal.int), template(any, any));
  for (const interest of all) index.add(interest);
  const found: number[] = [];
  for (const interest of index.matching(tuple('a', 1))) {
    found.push(interest.id);
    index.remove(interest);
  }
  expect(found).toEqual([1, 2, 3, 4]);
  expect(index.size).toBe(0);
});

it('looks neither at those who want something else nor beyond the first that takes', () => {
  const index = new TemplateIndex<Interest>(sha256);
  let looked = 0;
  const counted = (id: number, wanted: Template): Interest => ({
    id,
    get template(): Template {
      looked++;
      return wanted;
    },
  });
  for (let id = 1; id <= 10_000; id++) index.add(counted(id, template('job', id)));
  for (let id = 10_001; id <= 20_000; id++) index.add(counted(id, template('queue', any)));
  looked = 0;
  expect([...index.matching(tuple('job', 20_001))]).toEqual([]);
  expect([...index.matching(tuple('job', 77))].map(({ id }) => id)).toEqual([77]);
  for (const first of index.matching(tuple('queue', 1))) {
    expect(first.id).toBe(10_001);
    break;
  }
  expect(looked).toBeLessThan(10);
});
