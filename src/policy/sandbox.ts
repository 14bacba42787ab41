/**
 * The second wall: a Compartment (SES) whose global object is empty. Compiled text names nothing global and has no
 * member access, and
 * if a defect of the compiler let it, there would be nothing to find. No lockdown of the process: why, and
 * what isolates what, is in docs/adr/0006.
 */
import 'ses/compartment-shim.js';
import { assert } from '../base/index.js';

interface CompartmentInstance {
  readonly globalThis: object;
  evaluate(source: string, options: { readonly __moduleShimLexicals__: object }): unknown;
}
declare const Compartment: new (options: { readonly __options__: true }) => CompartmentInstance;

/** What every global object has and nobody can take away; none of it can do anything. */
const harmless: readonly PropertyKey[] = ['Infinity', 'NaN', 'undefined', Symbol.unscopables];

function emptyCompartment(): CompartmentInstance {
  const compartment = new Compartment({ __options__: true });
  const scope = compartment.globalThis;
  for (const key of Reflect.ownKeys(scope)) Reflect.deleteProperty(scope, key);
  const left = Reflect.ownKeys(scope).filter((key) => !harmless.includes(key));
  assert(left.length === 0, 'the compartment of a policy has no globals');
  // Names of Object.prototype would be found too.
  Object.setPrototypeOf(scope, null);
  Object.freeze(scope);
  return compartment;
}

export type Helpers = Readonly<Record<string, unknown>>;

/** Makes the function whose body is the text; it sees the helpers by their names and nothing else. */
export function evaluateText(text: string, helpers: Helpers): () => unknown {
  const names = Object.keys(helpers);
  const source = `(${names.join(', ')}) => () => {\n${text}\n}`;
  // Without lexicals given, SES looks names up in an object that has Object.prototype.
  const make = emptyCompartment().evaluate(source, { __moduleShimLexicals__: {} }) as (
    ...values: unknown[]
  ) => () => unknown;
  return make(...names.map((name) => helpers[name]));
}
