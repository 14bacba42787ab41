/**
 * A module's text to its syntax tree, by acorn, with a fixed version of the language. Every module that could
 * exhaust the parser's stack is far beyond the bound on nesting, so that all replicas refuse it alike.
 */
import { parse } from 'acorn';
import type { Program } from 'acorn';
import { sourceLengthMax } from './allow-list.js';
import { Violation } from './problem.js';

interface ParserComplaint {
  readonly message: string;
  readonly loc: { readonly line: number; readonly column: number };
}

function isComplaint(error: unknown): error is ParserComplaint {
  return error instanceof SyntaxError && 'loc' in error;
}

const outOfStack = 'Not enough stack space';

/**
 * With parentheses kept as nodes, everything that nests in the text nests in the tree.
 * @throws Violation
 */
export function parseModule(source: string, preserveParens: boolean): Program {
  if (source.length > sourceLengthMax) {
    throw new Violation('size', `${source.length} characters, at most ${sourceLengthMax} are allowed`, 1, 1);
  }
  const common = { ecmaVersion: 2023, sourceType: 'module', allowHashBang: false, locations: true } as const;
  try {
    return parse(source, { ...common, preserveParens });
  } catch (error) {
    if (!isComplaint(error) || error.message.startsWith(outOfStack)) {
      throw new Violation('nesting', 'nested too deeply: name the parts', 1, 1);
    }
    const message = error.message.replace(/ \(\d+:\d+\)$/, '');
    throw new Violation('syntax', message, error.loc.line, error.loc.column + 1);
  }
}
