/**
 * Expressions to instrumented text. The text contains no member access and no operator that could coerce:
 * everything but choices between values is a call of a helper (runtime.ts), which checks types and charges
 * steps. What has no case here is refused.
 */
import type * as ast from 'acorn';
import { isDataMember, isKeyAllowed, methods, predicateMethods, spaceMethods } from './allow-list.js';
import { refuse } from './problem.js';
import { plainName, type Environment } from './scope.js';

/** A string literal of nothing but letters, digits and escapes: no text in it can mean anything. */
export function quote(text: string): string {
  let quoted = '"';
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    const char = text[i]!;
    quoted += /[A-Za-z0-9_ ]/.test(char) ? char : `\\u${unit.toString(16).padStart(4, '0')}`;
  }
  return `${quoted}"`;
}

const binaryHelpers: ReadonlyMap<string, string> = new Map([
  ...([['===', 'eq'], ['!==', 'ne'], ['<', 'lt'], ['<=', 'le'], ['>', 'gt'], ['>=', 'ge']] as const), // prettier-ignore
  ...([['+', 'add'], ['-', 'sub'], ['*', 'mul'], ['%', 'mod']] as const), // prettier-ignore
]);
const operatorHints: Readonly<Record<string, string>> = {
  '==': 'write ===',
  '!=': 'write !==',
  '/': 'integers do not divide evenly: compare products',
  '**': 'write the product',
  in: 'compare with undefined',
  instanceof: 'use typeof',
};

function literal(node: ast.Literal): string {
  const { value } = node;
  if (value === null && node.regex === undefined && node.bigint === undefined) return 'null';
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (typeof value !== 'number') {
    return refuse('literal', node, 'only strings, numbers, true, false and null are literals here');
  }
  const isExact = Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value);
  if (!isExact) refuse('literal', node, 'integers beyond 2^53 are not exact');
  return String(value);
}

function identifier(node: ast.Identifier, env: Environment): string {
  if (node.name === 'undefined' && env.scope.find('undefined') === null) return '(void 0)';
  const binding = env.scope.resolve(node);
  if (binding.kind === 'value') return binding.name;
  if (binding.kind === 'import' && binding.what === 'any') return 'any';
  if (binding.kind === 'function') {
    return refuse('function', node, `${node.name} is a function, not a value: call it`);
  }
  return refuse('name', node, `${node.name} cannot be used as a value`);
}

function member(node: ast.MemberExpression, object: string, env: Environment): string {
  const { property } = node;
  if (node.computed) {
    const isText = property.type === 'Literal' && typeof property.value !== 'number';
    if (isText || property.type === 'TemplateLiteral') {
      refuse('index', property, 'members by name are written with a dot; only indexes in brackets');
    }
    return `idx(${object}, ${expression(property as ast.Expression, env)})`;
  }
  const name = plainName(property, false);
  if (name === null || !isDataMember(name, env.compilation.ownKeys)) {
    const isMethod = name !== null && (methods.has(name) || predicateMethods.has(name));
    const remedy = isMethod ? 'a method can only be called' : 'not on the list of members';
    return refuse('member', property, `${name ?? property.type}: ${remedy}`);
  }
  if (name === 'time') env.info.usesTime = true;
  return `get(${object}, ${quote(name)})`;
}

function isGlobal(node: ast.AnyNode, name: string, env: Environment): boolean {
  return node.type === 'Identifier' && node.name === name && env.scope.find(name) === null;
}

function isImport(node: ast.AnyNode, what: string, env: Environment): boolean {
  if (node.type !== 'Identifier') return false;
  const binding = env.scope.find(node.name);
  return binding?.kind === 'import' && binding.what === what;
}

function formalMarker(node: ast.MemberExpression): string {
  const type = plainName(node.property, node.computed);
  const types = ['string', 'int', 'double', 'bool', 'bytes'];
  if (type === null || !types.includes(type)) {
    return refuse('member', node.property, `formals are ${types.map((name) => `formal.${name}`).join(', ')}`);
  }
  return `formal_${type}`;
}

/** A function handed to a method: written in place, or one of the module's. */
function callback(node: ast.AnyNode, env: Environment): string {
  if (node.type === 'ArrowFunctionExpression') return env.compilation.arrow(node, env);
  if (node.type === 'Identifier') {
    const binding = env.scope.resolve(node);
    if (binding.kind === 'function') {
      env.info.calls.add(binding.info);
      return binding.info.name;
    }
  }
  return refuse('function', node, 'expected an arrow function, or the name of one of this module');
}

function argumentTexts(nodes: readonly ast.AnyNode[], env: Environment): string[] {
  return nodes.map((node) => expression(node as ast.Expression, env));
}

function methodCall(
  node: ast.CallExpression,
  callee: ast.MemberExpression,
  object: string,
  env: Environment,
) {
  const name = plainName(callee.property, callee.computed);
  const given = node.arguments;
  if (name !== null && predicateMethods.has(name)) {
    const wanted = name === 'reduce' ? 2 : 1;
    if (given.length !== wanted) refuse('call', node, `${name} takes ${wanted} argument(s) here`);
    const rest = argumentTexts(given.slice(1), env);
    return `m_${name}(${[object, callback(given[0]!, env), ...rest].join(', ')})`;
  }
  const range = name === null ? undefined : methods.get(name);
  if (name === null || range === undefined) {
    return refuse('member', callee.property, `${name ?? 'computed'}: not on the list of methods`);
  }
  if (given.length < range[0] || given.length > range[1]) {
    refuse('call', node, `${name} takes ${range[0]} to ${range[1]} arguments`);
  }
  if (spaceMethods.has(name)) env.info.usesSpace = true;
  return `m_${name}(${[object, ...argumentTexts(given, env)].join(', ')})`;
}

function isSafeIntegerTest(callee: ast.AnyNode, env: Environment): boolean {
  if (callee.type !== 'MemberExpression' || !isGlobal(callee.object, 'Number', env)) return false;
  return plainName(callee.property, callee.computed) === 'isSafeInteger';
}

function functionCall(node: ast.CallExpression, env: Environment): string {
  const { callee } = node;
  if (isSafeIntegerTest(callee, env))
    return `isint(${argumentTexts(node.arguments.slice(0, 1), env).join('')})`;
  if (callee.type !== 'Identifier') {
    return refuse(
      'call',
      callee,
      'only functions declared in this module, and methods on the list, are called',
    );
  }
  const binding = env.scope.resolve(callee);
  const given = argumentTexts(node.arguments, env);
  if (binding.kind === 'function') {
    env.info.calls.add(binding.info);
    return `${binding.info.name}(${given.join(', ')})`;
  }
  if (binding.kind === 'import' && binding.what === 'template') return `tmpl([${given.join(', ')}])`;
  if (binding.kind === 'import' && binding.what === 'double' && given.length === 1) return `dbl(${given[0]})`;
  return refuse('call', callee, `${callee.name} cannot be called here`);
}

/**
 * A chain of members and calls. `rest` is what follows: behind a `?.` it becomes a function that is not
 * called for null and undefined, so that the whole rest of the chain is skipped.
 */
function chain(node: ast.AnyNode, env: Environment, rest: (object: string) => string): string {
  const link = (
    isOptional: boolean | undefined,
    object: string,
    make: (object: string) => string,
  ): string => {
    if (isOptional !== true) return rest(make(object));
    const name = env.compilation.fresh();
    return `opt(${object}, (${name}) => ${rest(make(name))})`;
  };
  env.cost.nodes++;
  if (node.type === 'MemberExpression') {
    if (isImport(node.object, 'formal', env)) return rest(formalMarker(node));
    return chain(node.object, env, (object) =>
      link(node.optional, object, (text) => member(node, text, env)),
    );
  }
  if (node.type === 'CallExpression') {
    if (node.optional === true) refuse('call', node, 'functions are always there: call without ?.');
    const { callee } = node;
    if (callee.type !== 'MemberExpression' || isSafeIntegerTest(callee, env))
      return rest(functionCall(node, env));
    return chain(callee.object, env, (object) =>
      link(callee.optional, object, (text) => methodCall(node, callee, text, env)),
    );
  }
  return rest(expression(node as ast.Expression, env));
}

function unary(node: ast.UnaryExpression, env: Environment): string {
  if (node.operator === '!') return `(!${expression(node.argument, env)})`;
  if (node.operator === '-') return `neg(${expression(node.argument, env)})`;
  if (node.operator === 'typeof') return `type(${expression(node.argument, env)})`;
  if (node.operator === 'void' && node.argument.type === 'Literal') return '(void 0)';
  return refuse('operator', node, `${node.operator}: not on the list of operators`);
}

function binary(node: ast.BinaryExpression, env: Environment): string {
  const helper = binaryHelpers.get(node.operator);
  if (helper === undefined || node.left.type === 'PrivateIdentifier') {
    return refuse('operator', node, `${node.operator}: ${operatorHints[node.operator] ?? 'not on the list'}`);
  }
  return `${helper}(${expression(node.left, env)}, ${expression(node.right, env)})`;
}

function array(node: ast.ArrayExpression, env: Environment): string {
  const elements = node.elements.map((element) =>
    element === null
      ? refuse('literal', node, 'no holes: write undefined')
      : expression(element as ast.Expression, env),
  );
  return `arr([${elements.join(', ')}])`;
}

function object(node: ast.ObjectExpression, env: Environment): string {
  const seen = new Set<string>();
  const parts = node.properties.map((property) => {
    if (property.type !== 'Property' || property.kind !== 'init' || property.method) {
      return refuse('literal', property, 'only plain properties: no methods, getters or setters');
    }
    const name = plainName(property.key, property.computed);
    if (name === null || !isKeyAllowed(name)) return refuse('literal', property, 'this key is not allowed');
    if (seen.has(name)) refuse('literal', property, `${name} is given twice`);
    seen.add(name);
    return `${quote(name)}, ${expression(property.value, env)}`;
  });
  return `rec([${parts.join(', ')}])`;
}

function templateLiteral(node: ast.TemplateLiteral, env: Environment): string {
  const parts = node.quasis.flatMap((quasi, i) => {
    const { cooked } = quasi.value;
    const text = typeof cooked === 'string' ? quote(cooked) : refuse('literal', quasi, 'a wrong escape');
    const next = node.expressions[i];
    return next === undefined ? [text] : [text, expression(next, env)];
  });
  return `cat([${parts.join(', ')}])`;
}

const logicalOperators = new Set(['&&', '||', '??']);

export function expression(node: ast.Expression, env: Environment): string {
  env.cost.nodes++;
  switch (node.type) {
    case 'Literal':
      return literal(node);
    case 'Identifier':
      return identifier(node, env);
    case 'MemberExpression':
    case 'CallExpression':
      return chain(node, env, (text) => text);
    case 'ChainExpression':
      return chain(node.expression, env, (text) => text);
    case 'UnaryExpression':
      return unary(node, env);
    case 'BinaryExpression':
      return binary(node, env);
    case 'LogicalExpression':
      if (!logicalOperators.has(node.operator)) refuse('operator', node, 'not on the list of operators');
      return `(${expression(node.left, env)} ${node.operator} ${expression(node.right, env)})`;
    case 'ConditionalExpression': {
      const [test, yes, no] = [node.test, node.consequent, node.alternate].map((part) =>
        expression(part, env),
      );
      return `(${test} ? ${yes} : ${no})`;
    }
    case 'ArrayExpression':
      return array(node, env);
    case 'ObjectExpression':
      return object(node, env);
    case 'TemplateLiteral':
      return templateLiteral(node, env);
    case 'ArrowFunctionExpression':
      return refuse('function', node, 'functions are declared at the top, or handed to a method of an array');
    default:
      return refuse('syntax', node, `${node.type}: not part of the policy language`);
  }
}
