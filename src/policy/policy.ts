/**
 * A policy: loaded once, then asked before every operation of its space (PEATS). The same module, operation
 * and space give the same verdict and the same count of steps at every replica, whatever was evaluated before:
 * nothing a rule does outlives its evaluation. Must not know whether a module is to be trusted: no module is.
 */
import {
  encodeUtf8,
  InvalidInputError,
  InvariantError,
  type Digest,
  type HashFunction,
} from '../base/index.js';
import type { Template, Tuple } from '../codec/index.js';
import { policyTemplate, ruleNames, type RuleName } from './authoring.js';
import { Meter, PolicyFault } from './meter.js';
import { Lookups, methodHelpers, type PolicyLookups } from './methods.js';
import { compileModule, type CompiledModule, type CompiledRule } from './module.js';
import { Violation, type CheckRule, type PolicyProblem } from './problem.js';
import { evaluateText } from './sandbox.js';
import { valueHelpers } from './values.js';

/** Steps that one evaluation may take; a step is about a syntax node. Replicated behaviour. */
export const policyStepsMax = 20_000;

/** The operation that is attempted. What an operation does not have is null. */
export interface PolicyAttempt {
  readonly operation: RuleName;
  readonly invoker: string;
  /** Ordered time, ms since the epoch. */
  readonly time: number;
  /** To be inserted; for renew, of the entry to be renewed. */
  readonly tuple?: Tuple | null;
  readonly template?: Template | null;
  readonly limit?: number | null;
  readonly lease?: number | null;
  /** For renew: who inserted the entry. */
  readonly owner?: string | null;
  readonly readers?: readonly string[] | null;
  readonly takers?: readonly string[] | null;
}

export type DenialCode = 'POLICY_DENIED' | 'POLICY_ERROR' | 'POLICY_BUDGET';

export type Verdict =
  | { readonly kind: 'allowed'; readonly steps: number }
  | {
      readonly kind: 'denied';
      readonly code: DenialCode;
      readonly rule: RuleName;
      readonly steps: number;
      /** What went wrong, for whoever writes the policy; never part of a replicated result. */
      readonly reason: string | null;
    };

type RuleFunction = (attempt: object) => unknown;

export interface PolicyOutline {
  readonly rules: readonly RuleName[];
  /** Rules that read the time, and rules that look into the space. */
  readonly timeRules: readonly RuleName[];
  readonly spaceRules: readonly RuleName[];
}

export class Policy {
  readonly digest: Digest;
  /** The operations that have a rule, in the order of `ruleNames`. */
  readonly rules: readonly RuleName[];
  readonly #compiled: ReadonlyMap<RuleName, CompiledRule>;
  readonly #functions: ReadonlyMap<RuleName, RuleFunction>;
  readonly #meter: Meter;
  readonly #lookups: Lookups;

  constructor(compiled: CompiledModule, digest: Digest) {
    this.digest = digest;
    this.rules = [...compiled.rules.keys()];
    this.#compiled = compiled.rules;
    this.#meter = new Meter();
    this.#lookups = new Lookups(this.#meter);
    const helpers = { ...valueHelpers(this.#meter), ...methodHelpers(this.#meter, this.#lookups) };
    const load = evaluateText(compiled.text, helpers);
    this.#meter.start(policyStepsMax);
    const functions = load() as readonly RuleFunction[];
    const named = this.rules.filter((name) => typeof compiled.rules.get(name) === 'object');
    this.#functions = new Map(named.map((name, i) => [name, functions[i]!]));
  }

  /** Whether the rule is a function, not a plain true or false, and not missing. */
  decides(operation: RuleName): boolean {
    return this.#functions.has(operation);
  }

  /** Whether the verdict may depend on the time, so that it can only be given in order. */
  usesTime(operation: RuleName): boolean {
    const rule = this.#compiled.get(operation);
    return typeof rule === 'object' && rule.usesTime;
  }

  /** Whether the verdict may depend on what is in the space. */
  usesSpace(operation: RuleName): boolean {
    const rule = this.#compiled.get(operation);
    return typeof rule === 'object' && rule.usesSpace;
  }

  /** Never throws but for a defect of ours in `lookups`. */
  evaluate(attempt: PolicyAttempt, lookups: PolicyLookups, budget = policyStepsMax): Verdict {
    const { operation } = attempt;
    const rule = this.#functions.get(operation);
    if (rule === undefined) {
      const isAllowed = this.#compiled.get(operation) === true;
      return isAllowed ? { kind: 'allowed', steps: 0 } : denied('POLICY_DENIED', operation, 0, null);
    }
    this.#meter.start(budget);
    this.#lookups.use(lookups);
    try {
      const result = rule(this.#argument(attempt));
      const steps = this.#meter.used;
      if (result === true) return { kind: 'allowed', steps };
      if (result === false) return denied('POLICY_DENIED', operation, steps, null);
      return denied('POLICY_ERROR', operation, steps, 'a rule answers true or false');
    } catch (error) {
      if (error instanceof InvariantError) throw error;
      const steps = this.#meter.used;
      if (error instanceof PolicyFault) return denied(error.code, operation, steps, error.message);
      return denied('POLICY_ERROR', operation, steps, 'the rule failed');
    } finally {
      this.#lookups.use(null);
    }
  }

  #argument(attempt: PolicyAttempt): object {
    const { tuple, template, readers, takers } = attempt;
    return Object.freeze({
      invoker: attempt.invoker,
      operation: attempt.operation,
      time: attempt.time,
      tuple: tuple ? Object.freeze(tuple) : null,
      template: template ? policyTemplate(template) : null,
      limit: attempt.limit ?? null,
      lease: attempt.lease ?? null,
      owner: attempt.owner ?? null,
      readers: readers ? Object.freeze(readers) : null,
      takers: takers ? Object.freeze(takers) : null,
      space: this.#lookups.handle,
    });
  }
}

function denied(code: DenialCode, rule: RuleName, steps: number, reason: string | null): Verdict {
  return { kind: 'denied', code, rule, steps, reason };
}

function problemAtStart(rule: CheckRule, message: string): PolicyProblem {
  return { code: 'POLICY_INVALID', rule, message, line: 1, column: 1 };
}

function isProblem(made: Policy | PolicyProblem): made is PolicyProblem {
  return 'code' in made;
}

/** The digest is that of the module's UTF-8; without a hash function it is empty. */
function make(source: string, hash: HashFunction | null): Policy | PolicyProblem {
  const bytes = encodeUtf8(source);
  if (bytes === null) return problemAtStart('syntax', 'the module is no text: it has a lone surrogate');
  try {
    return new Policy(compileModule(source), hash === null ? ('' as Digest) : hash(bytes));
  } catch (error) {
    if (error instanceof InvariantError) throw error;
    if (error instanceof Violation) return error.problem;
    const reason = error instanceof PolicyFault ? error.message : 'a constant is used before it has a value';
    return problemAtStart('evaluation', `the constants of the module cannot be computed: ${reason}`);
  }
}

export type PolicyCheck =
  ({ readonly ok: true } & PolicyOutline) | { readonly ok: false; readonly problem: PolicyProblem };

/** Whether replicas would accept the module, and why not. Accepts exactly what `loadPolicy` loads. */
export function checkPolicy(source: string): PolicyCheck {
  const made = make(source, null);
  if (isProblem(made)) return { ok: false, problem: made };
  return {
    ok: true,
    rules: made.rules,
    timeRules: ruleNames.filter((name) => made.usesTime(name)),
    spaceRules: ruleNames.filter((name) => made.usesSpace(name)),
  };
}

/**
 * Loads a compiled module (an ES module without imports but `theodora/policy`).
 * @throws InvalidInputError `POLICY_INVALID`, with the problem as fields
 */
export function loadPolicy(source: string, hash: HashFunction): Policy {
  const made = make(source, hash);
  if (isProblem(made)) throw new InvalidInputError('POLICY_INVALID', made.message, { ...made });
  return made;
}
