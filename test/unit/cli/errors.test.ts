import { CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import {
  InvalidInputError,
  InvariantError,
  RefusedError,
  TheodoraError,
  UnavailableError,
  UnknownOutcomeError,
} from '../../../src/base/index.js';
import { describeError, printError } from '../../../src/cli/errors.js';
import { Output } from '../../../src/cli/output.js';
import { fakeTerminal } from './fake-terminal.js';

const systemError = (code: string, path?: string): Error =>
  Object.assign(new Error(code), { code, syscall: 'open', ...(path === undefined ? {} : { path }) });

describe('exit status', () => {
  it.each<[string, unknown, number, string]>([
    [
      'bad usage',
      new CommanderError(1, 'commander.unknownOption', "error: unknown option '--x'"),
      2,
      'USAGE',
    ],
    ['bad input', new InvalidInputError('INVALID_TUPLE', 'no'), 2, 'INVALID_TUPLE'],
    ['a missing file', systemError('ENOENT', 'x'), 2, 'ENOENT'],
    ['a refusal', new RefusedError('SPACE_FULL', 'full'), 3, 'SPACE_FULL'],
    ['nothing done', new UnavailableError('CLUSTER_UNREACHABLE', 'none'), 4, 'CLUSTER_UNREACHABLE'],
    ['nobody knows', new UnknownOutcomeError('OUTCOME_UNKNOWN', 'late'), 4, 'OUTCOME_UNKNOWN'],
    ['another release', new TheodoraError('UNEXPECTED_RESULT', 'what'), 70, 'UNEXPECTED_RESULT'],
    ['a broken invariant', new InvariantError('no'), 70, 'INTERNAL'],
    ['an unforeseen error of the system', systemError('EWHATEVER'), 70, 'INTERNAL'],
    ['something thrown that is no error', 'text', 70, 'INTERNAL'],
  ])('of %s', (_, error, status, code) => {
    expect(describeError(error)).toMatchObject({ status, code });
  });

  it('keeps the two kinds of 4 apart in words (pitfall 38)', () => {
    expect(describeError(new UnavailableError('X', 'why')).message).toBe(
      'unavailable: nothing was done; why',
    );
    expect(describeError(new UnknownOutcomeError('X', 'why')).message).toBe(
      'outcome unknown: it may have been executed; why',
    );
  });
});

describe('error report', () => {
  it('is one JSON object with code, message and fields', () => {
    const terminal = fakeTerminal();
    const error = new RefusedError('RESULT_TOO_LARGE', 'too large', { fits: 3, id: 5n, code: 'other' });
    printError(new Output(terminal, true), describeError(error));
    expect(terminal.out).toEqual([]);
    expect(terminal.err).toEqual([
      '{"error":{"code":"RESULT_TOO_LARGE","message":"too large","fits":3,"id":{"int":"5"}}}\n',
    ]);
  });

  it('is a line for people', () => {
    const terminal = fakeTerminal();
    printError(new Output(terminal, false), describeError(new InvalidInputError('BAD', 'not \u001b[2Jgood')));
    expect(terminal.err).toEqual(['theodora: not \\x1b[2Jgood [BAD]\n']);
  });

  it('asks to report what is our own fault, with the trace', () => {
    const terminal = fakeTerminal();
    printError(new Output(terminal, false), describeError(new InvariantError('broken')));
    const text = terminal.err.join('');
    expect(text).toContain('internal error: broken');
    expect(text).toContain('Please report it');
    expect(text).toContain('errors.test.ts');
  });
});
