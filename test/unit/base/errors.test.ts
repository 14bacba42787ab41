/** Assertions and the errors that users see. */
import { expect, test } from 'vitest';
import {
  assert,
  InvalidInputError,
  InvariantError,
  RefusedError,
  TheodoraError,
  unreachable,
} from '../../../src/base/index.js';

test('a broken invariant throws, a kept one does not', () => {
  assert(true, 'kept');
  expect(() => assert(false, 'votes below the watermark')).toThrow(InvariantError);
  expect(() => assert(false, 'votes below the watermark')).toThrow('votes below the watermark');
  expect(() => unreachable('x' as never)).toThrow(InvariantError);
});

test('an error carries its code, fields, class name and cause', () => {
  const cause = new Error('socket closed');
  const error = new RefusedError('SPACE_FULL', 'the space is full', { space: 'jobs' }, cause);
  expect(error).toBeInstanceOf(TheodoraError);
  expect(error).toMatchObject({ name: 'RefusedError', code: 'SPACE_FULL', fields: { space: 'jobs' }, cause });
  const plain = new InvalidInputError('INVALID_FIELD', 'no');
  expect(plain.fields).toStrictEqual({});
  expect('cause' in plain).toBe(false);
});
