/**
 * Functions, statements and patterns to instrumented text. Entering a function and each round of a loop is
 * charged the syntax nodes that run at most once in it, so that the count is the same at every replica,
 * whatever branch is taken how fast.
 */
import type * as ast from 'acorn';
import { isDataMember } from './allow-list.js';
import { expression, quote } from './expressions.js';
import { refuse } from './problem.js';
import { plainName, Scope, type Environment } from './scope.js';

/** Declares the names of a pattern; returns `name = value` for each, in order. */
export function bind(pattern: ast.Pattern, value: string, env: Environment): string[] {
  env.cost.nodes++;
  switch (pattern.type) {
    case 'Identifier': {
      const name = env.compilation.fresh();
      env.scope.declare(pattern, { kind: 'value', name });
      return [`${name} = ${value}`];
    }
    case 'ArrayPattern': {
      const list = env.compilation.fresh();
      const elements = pattern.elements.flatMap((element, i) =>
        element === null ? [] : bind(element, `idx(${list}, ${i})`, env),
      );
      return [`${list} = list(${value})`, ...elements];
    }
    case 'ObjectPattern': {
      const record = env.compilation.fresh();
      return [
        `${record} = obj(${value})`,
        ...pattern.properties.flatMap((part) => bindKey(part, record, env)),
      ];
    }
    default:
      return refuse('pattern', pattern, 'only names and patterns of names');
  }
}

function bindKey(
  property: ast.AssignmentProperty | ast.RestElement,
  record: string,
  env: Environment,
): string[] {
  if (property.type !== 'Property') return refuse('pattern', property, 'no rest elements');
  const name = plainName(property.key, property.computed);
  if (name === null || !isDataMember(name, env.compilation.ownKeys)) {
    return refuse('member', property.key, `${name ?? 'a computed key'}: not on the list of members`);
  }
  if (name === 'time') env.info.usesTime = true;
  return bind(property.value, `get(${record}, ${quote(name)})`, env);
}

function declaration(node: ast.VariableDeclaration, env: Environment): string {
  if (node.kind !== 'const') refuse('declaration', node, `${node.kind}: write const`);
  const parts = node.declarations.flatMap(({ id, init }) => {
    if (init === null || init === undefined) return refuse('declaration', node, 'a const has a value');
    if (init.type === 'ArrowFunctionExpression') {
      return refuse('function', init, 'functions are declared at the top of the module');
    }
    return bind(id, expression(init, env), env);
  });
  return `const ${parts.join(', ')};`;
}

function nested(env: Environment): Environment {
  return { ...env, scope: new Scope(env.scope) };
}

function branch(node: ast.Statement, env: Environment, isInLoop: boolean): string {
  if (node.type === 'VariableDeclaration') refuse('declaration', node, 'declare it in a block');
  return node.type === 'BlockStatement'
    ? block(node, env, isInLoop)
    : `{ ${statement(node, nested(env), isInLoop)} }`;
}

function block(node: ast.BlockStatement, env: Environment, isInLoop: boolean): string {
  const inner = nested(env);
  return `{ ${node.body.map((part) => statement(part, inner, isInLoop)).join(' ')} }`;
}

function loop(node: ast.ForOfStatement, env: Environment): string {
  if (node.await) refuse('function', node, 'rules are synchronous');
  const { left } = node;
  const declarator =
    left.type === 'VariableDeclaration' && left.kind === 'const' ? left.declarations[0] : undefined;
  if (declarator === undefined) return refuse('declaration', left, 'write for (const element of array)');
  const array = env.compilation.fresh();
  const index = env.compilation.fresh();
  const over = expression(node.right, env);
  const round: Environment = { ...nested(env), cost: { nodes: 0 } };
  const element = bind(declarator.id, `idx(${array}, ${index})`, round);
  const body = branch(node.body, round, true);
  return (
    `{ const ${array} = list(${over}); for (let ${index} = 0; ${index} < size(${array}); ${index}++) ` +
    `{ s(${round.cost.nodes}); const ${element.join(', ')}; ${body} } }`
  );
}

function statement(node: ast.Statement, env: Environment, isInLoop: boolean): string {
  env.cost.nodes++;
  switch (node.type) {
    case 'VariableDeclaration':
      return declaration(node, env);
    case 'ReturnStatement':
      if (node.argument === null || node.argument === undefined) return 'return;';
      return `return ${expression(node.argument, env)};`;
    case 'IfStatement': {
      const test = expression(node.test, env);
      const yes = branch(node.consequent, env, isInLoop);
      const no = node.alternate ? ` else ${branch(node.alternate, env, isInLoop)}` : '';
      return `if (${test}) ${yes}${no}`;
    }
    case 'BlockStatement':
      return block(node, env, isInLoop);
    case 'ForOfStatement':
      return loop(node, env);
    case 'BreakStatement':
    case 'ContinueStatement':
      if (node.label || !isInLoop) refuse('statement', node, 'only inside a for…of, without a label');
      return node.type === 'BreakStatement' ? 'break;' : 'continue;';
    default:
      return refuse('statement', node, `${node.type}: not on the list of statements`);
  }
}

/** An arrow function as text. */
export function arrow(node: ast.ArrowFunctionExpression, outer: Environment): string {
  if (node.async || node.generator) refuse('function', node, 'rules are synchronous');
  const env: Environment = { ...nested(outer), cost: { nodes: 1 } };
  const names: string[] = [];
  const parts = node.params.flatMap((param) => {
    const name = env.compilation.fresh();
    names.push(name);
    if (param.type !== 'Identifier') return bind(param, name, env);
    env.cost.nodes++;
    env.scope.declare(param, { kind: 'value', name });
    return [];
  });
  const prologue = parts.length === 0 ? '' : `const ${parts.join(', ')}; `;
  const body =
    node.body.type === 'BlockStatement'
      ? block(node.body, env, false)
      : `return ${expression(node.body, env)};`;
  return `(${names.join(', ')}) => { s(${env.cost.nodes}); ${prologue}${body} }`;
}
