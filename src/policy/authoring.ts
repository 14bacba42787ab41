/**
 * The public module `theodora/policy`: what a policy file imports (PEATS, Bessani et al., TPDS'09). One rule
 * per operation, each true, false or a function of the attempted operation; an operation without a rule is
 * denied. Replicas do not run this code: engine and allow-list (docs/adr/0006) bind these names themselves.
 * It is here so that policy files have types and can be imported by ordinary tests.
 */
import { any, double, formal, normalizeTemplate } from '../codec/index.js';
import type { Field, Template, TemplateField, Tuple } from '../codec/index.js';

export { any, double, formal };
export type { Double, Field, TemplateField, Tuple } from '../codec/index.js';

export const ruleNames = [
  ...(['out', 'rdp', 'rd', 'inp', 'in', 'cas', 'replace', 'renew', 'rdAll', 'inAll'] as const),
  ...(['count', 'subscribe'] as const),
] as const;
export type RuleName = (typeof ruleNames)[number];

/** A template as policies see it: fields as plain values, `any`, or a formal; compare them with `===`. */
export type PolicyTemplate = readonly (Field | TemplateField)[];

export interface PolicyEntry {
  /** Global insertion number; serves as a fencing token. */
  readonly id: number;
  readonly tuple: Tuple;
  /** Who inserted it. */
  readonly owner: string;
  /** Ordered time, ms since the epoch, at which it is gone; null: it stays until taken. */
  readonly deadline: number | null;
}

/** The space as it is before the operation: all entries, whoever may read them. Each look costs steps. */
export interface PolicySpace {
  /** The oldest match, or null. */
  rdp(template: PolicyTemplate): PolicyEntry | null;
  /** The matches, oldest first; at most `limit`, 0 or left out: all. */
  rdAll(template: PolicyTemplate, limit?: number): readonly PolicyEntry[];
  count(template: PolicyTemplate): number;
  exists(template: PolicyTemplate): boolean;
}

interface Attempt<Name extends RuleName> {
  /** The client that asks. */
  readonly invoker: string;
  readonly operation: Name;
  /** Ordered time, ms since the epoch. A rule that reads it makes fast reads take the ordered way. */
  readonly time: number;
  readonly space: PolicySpace;
}

interface Matching {
  readonly template: PolicyTemplate;
}

interface Inserting {
  readonly tuple: Tuple;
  /** How long the entry is to live, ms; null: until taken. */
  readonly lease: number | null;
  /** Who alone may read or take the entry; null: not narrowed. */
  readonly readers: readonly string[] | null;
  readonly takers: readonly string[] | null;
}

interface Limited {
  /** 0: all. */
  readonly limit: number;
}

interface Renewing {
  readonly lease: number;
  /**
   * The entry to be renewed, the oldest match that is timed, whoever inserted it; both null if there is none. (With
   * `renew: true` in place of a function it is the oldest that the caller inserted.)
   */
  readonly tuple: Tuple | null;
  readonly owner: string | null;
}

/** What each rule is given. */
export interface RuleArguments {
  out: Attempt<'out'> & Inserting;
  rdp: Attempt<'rdp'> & Matching;
  rd: Attempt<'rd'> & Matching;
  inp: Attempt<'inp'> & Matching;
  in: Attempt<'in'> & Matching;
  cas: Attempt<'cas'> & Matching & Inserting;
  replace: Attempt<'replace'> & Matching & Inserting;
  renew: Attempt<'renew'> & Matching & Renewing;
  rdAll: Attempt<'rdAll'> & Matching & Limited;
  inAll: Attempt<'inAll'> & Matching & Limited;
  count: Attempt<'count'> & Matching;
  subscribe: Attempt<'subscribe'> & Matching;
}

export type Rule<Name extends RuleName> = boolean | ((attempt: RuleArguments[Name]) => boolean);
export type PolicyRules = { readonly [Name in RuleName]?: Rule<Name> };

/** A policy file's default export. */
export function definePolicy(rules: PolicyRules): PolicyRules {
  return Object.freeze({ ...rules });
}

/**
 * A template to look up in the space: values, `any` and formals.
 * @throws InvalidInputError `INVALID_FIELD` for anything else, undefined included; in a rule: POLICY_ERROR
 */
export function template(...fields: readonly (Field | TemplateField | undefined)[]): PolicyTemplate {
  return policyTemplate(normalizeTemplate(fields));
}

function policyField(field: TemplateField): Field | TemplateField {
  if (field.kind === 'value') return field.value;
  return field.kind === 'any' ? any : formal[field.type];
}

/** A template of the space as policies see it; markers are always the very ones that policies import. */
export function policyTemplate(normal: Template): PolicyTemplate {
  return Object.freeze(normal.map(policyField));
}
