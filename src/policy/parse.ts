/**
 * A module's text to its syntax tree, by acorn, with a fixed version of the language. How deeply acorn may recurse is
 * counted and bounded far below what its stack holds: where a stack ends depends on the process, and replicas have to
 * refuse the same modules for the same reason.
 */
import { Parser } from 'acorn';
import type { Program } from 'acorn';
import { assert } from '../base/index.js';
import { depthMax, sourceLengthMax } from './allow-list.js';
import { Violation } from './problem.js';

interface ParserComplaint {
  readonly message: string;
  readonly loc: { readonly line: number; readonly column: number };
}

function isComplaint(error: unknown): error is ParserComplaint {
  return error instanceof SyntaxError && 'loc' in error;
}

/** What acorn's parser has beside its published types: where its current token starts, and its methods. */
interface Insides {
  readonly startLoc: { readonly line: number; readonly column: number };
  policyDepth?: number;
}
type Method = (this: Insides, ...operands: unknown[]) => unknown;

/** Whatever recurses in acorn's grammar passes through one of these. */
const recursive = [
  'parseStatement',
  'parseMaybeAssign',
  'parseMaybeUnary',
  'parseExprOp',
  'parseExprAtom',
  'parseBindingAtom',
];
/** What the allow-list takes nests by at most four of them a level. */
const callsMax = 4 * depthMax;

const tooDeep = `nested more than ${depthMax} deep: name the parts`;

const violationAt = ({ startLoc }: Insides, rule: 'nesting' | 'literal', message: string): Violation =>
  new Violation(rule, message, startLoc.line, startLoc.column + 1);

function bounded(parse: Method): Method {
  return function (...operands) {
    const depth = (this.policyDepth ?? 0) + 1;
    if (depth > callsMax) throw violationAt(this, 'nesting', tooDeep);
    this.policyDepth = depth;
    const parsed = parse.apply(this, operands);
    this.policyDepth = depth - 1;
    return parsed;
  };
}

const BoundedParser = Parser.extend((Base) => {
  class Bounded extends Base {}
  const methods = Bounded.prototype as unknown as Record<string, Method | undefined>;
  for (const name of recursive) {
    const method = methods[name];
    assert(method !== undefined, `acorn has ${name}`);
    methods[name] = bounded(method);
  }
  // Its grammar recurses as well.
  methods['readRegexp'] = function () {
    throw violationAt(this, 'literal', 'a regular expression: compare strings');
  };
  return Bounded;
});

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
    return BoundedParser.parse(source, { ...common, preserveParens });
  } catch (error) {
    if (!isComplaint(error)) throw error;
    const message = error.message.replace(/ \(\d+:\d+\)$/, '');
    throw new Violation('syntax', message, error.loc.line, error.loc.column + 1);
  }
}
