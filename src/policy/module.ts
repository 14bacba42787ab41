/**
 * A policy module to instrumented text: imports, constants and functions of the top level, the rules. What
 * is evaluated is this text and never the source: nothing that a parser might read differently survives.
 */
import type * as ast from 'acorn';
import { callDepthMax, checkNodes, isKeyAllowed } from './allow-list.js';
import { ruleNames, type RuleName } from './authoring.js';
import { expression } from './expressions.js';
import { arrow, bind } from './functions.js';
import { parseModule } from './parse.js';
import { refuse } from './problem.js';
import { imports, plainName, Scope } from './scope.js';
import type { Compilation, Environment, FunctionInfo, ImportName } from './scope.js';

export type CompiledRule = boolean | { readonly usesTime: boolean; readonly usesSpace: boolean };

export interface CompiledModule {
  /** Body of a function of the helpers; returns the functions of the rules that have one, in order. */
  readonly text: string;
  /** In the order of `ruleNames`. */
  readonly rules: ReadonlyMap<RuleName, CompiledRule>;
}

type RuleValue = boolean | FunctionInfo;

const exportRemedy = 'export default definePolicy({ … }), once';

class ModuleCompiler {
  readonly #scope = new Scope(null);
  readonly #top: Environment;
  readonly #functions: FunctionInfo[] = [];
  readonly #constants: ast.VariableDeclarator[] = [];
  readonly #program: ast.Program;
  #names = 0;
  #policy: ast.AnyNode | null = null;
  #isExported = false;

  constructor(program: ast.Program, ownKeys: ReadonlySet<string>) {
    this.#program = program;
    const compilation: Compilation = { ownKeys, fresh: () => `v${this.#names++}`, arrow };
    this.#top = { compilation, scope: this.#scope, info: this.#info(null), cost: { nodes: 1 } };
  }

  compile(): CompiledModule {
    for (const node of this.#program.body) this.#declare(node);
    if (this.#policy === null || !this.#isExported) {
      return refuse('policy', this.#program, `there is no policy: ${exportRemedy}`);
    }
    // Constants first: from then on functions know them all, and a constant knows only those before it.
    const constants = this.#constants.map(({ id, init }) => {
      return `const ${bind(id, this.#initial(init, id), this.#top).join(', ')};`;
    });
    const rules = this.#rules(this.#policy);
    const functions = this.#functions.map((info) => `const ${info.name} = ${this.#function(info)};`);
    const depths = new Map<FunctionInfo, number>();
    for (const info of [this.#top.info, ...this.#functions]) checkCalls(info, depths);
    const used = [...rules.values()].filter((value) => typeof value !== 'boolean').map(({ name }) => name);
    return {
      text: `${functions.join('\n')}\ns(${this.#top.cost.nodes});\n${constants.join('\n')}\nreturn [${used.join(', ')}];`,
      rules: new Map([...rules].map(([name, value]) => [name, ruleOf(value)])),
    };
  }

  #info(node: ast.ArrowFunctionExpression | null): FunctionInfo {
    return { name: `f${this.#names++}`, node, calls: new Set(), usesTime: false, usesSpace: false };
  }

  #function(info: FunctionInfo): string {
    return info.node === null ? '' : arrow(info.node, { ...this.#top, info });
  }

  #initial(init: ast.Expression | null | undefined, node: ast.Node): string {
    if (init === null || init === undefined) return refuse('declaration', node, 'a const has a value');
    return expression(init, this.#top);
  }

  #declare(node: ast.Statement | ast.ModuleDeclaration): void {
    switch (node.type) {
      case 'ImportDeclaration':
        return this.#import(node);
      case 'VariableDeclaration':
        for (const declarator of node.declarations) this.#constant(node, declarator);
        return;
      case 'ExportNamedDeclaration':
        return this.#export(node);
      case 'ExportDefaultDeclaration':
        return this.#exportDefault(node.declaration);
      default:
        return refuse('statement', node, 'only imports, const and the export stand at the top');
    }
  }

  #import(node: ast.ImportDeclaration): void {
    if (node.source.value !== 'theodora/policy') {
      refuse('import', node.source, 'only "theodora/policy" is imported; the compiler puts files together');
    }
    for (const specifier of node.specifiers) {
      const name = specifier.type === 'ImportSpecifier' ? plainName(specifier.imported, false) : null;
      const what = imports.find((one): one is ImportName => one === name);
      if (what === undefined) return refuse('import', specifier, `there are only ${imports.join(', ')}`);
      this.#scope.declare(specifier.local, { kind: 'import', what });
    }
  }

  /** A `var` that nothing assigns to is a const; esbuild writes it so. */
  #constant(node: ast.VariableDeclaration, { id, init }: ast.VariableDeclarator): void {
    if (node.kind === 'let') refuse('declaration', node, 'let: write const');
    if (init?.type === 'ArrowFunctionExpression') {
      if (id.type !== 'Identifier') return refuse('function', id, 'a function has a name');
      const info = this.#info(init);
      this.#functions.push(info);
      this.#scope.declare(id, { kind: 'function', info });
    } else if (id.type === 'Identifier' && init !== null && init !== undefined && this.#isPolicy(init)) {
      this.#setPolicy(init);
      this.#scope.declare(id, { kind: 'policy' });
    } else {
      this.#constants.push({ ...this.#declared(id), init: init ?? null });
    }
  }

  #declared(id: ast.Pattern): ast.VariableDeclarator {
    return { type: 'VariableDeclarator', id, init: null, start: id.start, end: id.end };
  }

  #isPolicy(node: ast.AnyNode): node is ast.CallExpression {
    if (node.type !== 'CallExpression' || node.callee.type !== 'Identifier') return false;
    const binding = this.#scope.find(node.callee.name);
    return binding?.kind === 'import' && binding.what === 'definePolicy';
  }

  #setPolicy(node: ast.CallExpression): void {
    if (this.#policy !== null) refuse('policy', node, `a second policy: ${exportRemedy}`);
    const [rules] = node.arguments;
    if (rules === undefined || node.arguments.length > 1) refuse('policy', node, 'definePolicy({ … })');
    this.#policy = rules;
  }

  #exportDefault(node: ast.AnyNode): void {
    if (this.#isPolicy(node)) this.#setPolicy(node);
    else if (node.type !== 'Identifier' || this.#scope.find(node.name)?.kind !== 'policy') {
      refuse('export', node, exportRemedy);
    }
    this.#isExported = true;
  }

  #export(node: ast.ExportNamedDeclaration): void {
    if (node.source) refuse('export', node, exportRemedy);
    if (node.declaration?.type === 'VariableDeclaration') this.#declare(node.declaration);
    for (const { exported, local } of node.specifiers) {
      if (plainName(exported, false) === 'default') this.#exportDefault(local);
    }
  }

  #rules(node: ast.AnyNode): Map<RuleName, RuleValue> {
    if (node.type !== 'ObjectExpression') return refuse('policy', node, 'write the rules in place: { … }');
    const given = new Map<RuleName, RuleValue>();
    for (const property of node.properties) {
      if (property.type !== 'Property' || property.kind !== 'init' || property.method) {
        return refuse('rule', property, 'operation: true, false or an arrow function');
      }
      const key = plainName(property.key, property.computed);
      const name = ruleNames.find((one) => one === key);
      if (name === undefined) return refuse('rule', property.key, `rules are named ${ruleNames.join(', ')}`);
      if (given.has(name)) refuse('rule', property.key, `a second rule for ${name}`);
      given.set(name, this.#rule(property.value));
    }
    const inOrder = ruleNames.flatMap((name) => {
      const value = given.get(name);
      return value === undefined ? [] : [[name, value] as const];
    });
    return new Map(inOrder);
  }

  #rule(node: ast.Expression): RuleValue {
    if (node.type === 'Literal' && typeof node.value === 'boolean') return node.value;
    if (node.type === 'ArrowFunctionExpression') {
      if (node.params.length > 1) refuse('rule', node, 'a rule has one parameter');
      const info = this.#info(node);
      this.#functions.push(info);
      return info;
    }
    const binding = node.type === 'Identifier' ? this.#scope.resolve(node) : null;
    if (binding?.kind === 'function') return binding.info;
    return refuse('rule', node, 'a rule is true, false or an arrow function');
  }
}

/**
 * How deep calls go from here. Refuses a function that can reach itself, and chains that are too long: the
 * stack that a rule needs is bounded by the text of the module.
 */
function checkCalls(info: FunctionInfo, depths: Map<FunctionInfo, number>): number {
  const known = depths.get(info);
  if (known !== undefined && known >= 0) return known;
  const node = info.node ?? { type: 'Program', start: 0, end: 0 };
  if (known !== undefined) refuse('recursion', node, 'this function calls itself, maybe by way of others');
  depths.set(info, -1);
  let depth = 0;
  for (const callee of info.calls) depth = Math.max(depth, 1 + checkCalls(callee, depths));
  if (depth > callDepthMax) refuse('recursion', node, `calls go more than ${callDepthMax} deep`);
  depths.set(info, depth);
  return depth;
}

function reachable(from: FunctionInfo): Set<FunctionInfo> {
  const found = new Set([from]);
  for (const info of found) for (const callee of info.calls) found.add(callee);
  return found;
}

function ruleOf(value: RuleValue): CompiledRule {
  if (typeof value === 'boolean') return value;
  const functions = [...reachable(value)];
  return {
    usesTime: functions.some(({ usesTime }) => usesTime),
    usesSpace: functions.some(({ usesSpace }) => usesSpace),
  };
}

/** Checks the bounds and that every node is on the list; returns the keys that the module gives to records. */
function checkedKeys(program: ast.Program): ReadonlySet<string> {
  const keys = new Set<string>();
  checkNodes(program, (node) => {
    if (node.type !== 'ObjectExpression') return;
    for (const property of node.properties) {
      const name = property.type === 'Property' ? plainName(property.key, property.computed) : null;
      if (name !== null && isKeyAllowed(name)) keys.add(name);
    }
  });
  return keys;
}

/** @throws Violation */
export function compileModule(source: string): CompiledModule {
  const ownKeys = checkedKeys(parseModule(source, true));
  return new ModuleCompiler(parseModule(source, false), ownKeys).compile();
}
