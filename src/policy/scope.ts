/**
 * Names while a module is compiled. Every name of the source gets a fresh one in the compiled text, so that
 * no name of the source, however spelt, can reach or shadow anything there.
 */
import type { AnyNode, ArrowFunctionExpression, Identifier } from 'acorn';
import { refuse } from './problem.js';

/** A function of the module's top level, or the top level itself. */
export interface FunctionInfo {
  readonly name: string;
  readonly node: ArrowFunctionExpression | null;
  readonly calls: Set<FunctionInfo>;
  /** The function itself, not what it calls, reads the time; looks into the space. */
  usesTime: boolean;
  usesSpace: boolean;
}

export const imports = ['definePolicy', 'template', 'any', 'formal', 'double'] as const;
export type ImportName = (typeof imports)[number];

export type Binding =
  | { readonly kind: 'value'; readonly name: string }
  | { readonly kind: 'function'; readonly info: FunctionInfo }
  | { readonly kind: 'import'; readonly what: ImportName }
  | { readonly kind: 'policy' };

const hints: Readonly<Record<string, string>> = {
  Date: 'replicas have no clock of their own: use the rule’s time',
  Math: 'only + - * % on integers',
  JSON: 'compare fields one by one',
  BigInt: 'large integers can be compared, not made',
  globalThis: 'a policy sees only its arguments and the space',
  eval: 'a policy cannot make code',
  Function: 'a policy cannot make code',
  arguments: 'name the parameters',
  Infinity: 'integers only',
  NaN: 'integers only',
};

export class Scope {
  readonly #parent: Scope | null;
  readonly #bindings = new Map<string, Binding>();

  constructor(parent: Scope | null) {
    this.#parent = parent;
  }

  declare(node: Identifier, binding: Binding): void {
    if (this.#bindings.has(node.name)) refuse('declaration', node, `${node.name} is declared twice`);
    this.#bindings.set(node.name, binding);
  }

  find(name: string): Binding | null {
    return this.#bindings.get(name) ?? this.#parent?.find(name) ?? null;
  }

  resolve(node: Identifier): Binding {
    const binding = this.find(node.name);
    if (binding !== null) return binding;
    const hint = hints[node.name] ?? 'declare it above, or import it';
    return refuse('name', node, `${node.name} is not known here: ${hint}`);
  }
}

/** What the compilation of one module shares. */
export interface Compilation {
  readonly ownKeys: ReadonlySet<string>;
  fresh(): string;
  /** A function as text; defined where statements are compiled. */
  arrow(node: ArrowFunctionExpression, outer: Environment): string;
}

/** Where a piece of source stands. */
export interface Environment {
  readonly compilation: Compilation;
  readonly scope: Scope;
  readonly info: FunctionInfo;
  /** The nodes that run together: what entering the function, or the loop's body once, is charged. */
  readonly cost: { nodes: number };
}

/** The name of a member or key that is written out; null if it is computed. */
export function plainName(node: AnyNode, isComputed: boolean): string | null {
  if (isComputed) return null;
  if (node.type === 'Identifier') return node.name;
  return node.type === 'Literal' && typeof node.value === 'string' ? node.value : null;
}
