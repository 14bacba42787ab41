/** Door of `policy`: modules that decide who may do what in a space, checked, bounded and deterministic. */
export { definePolicy, ruleNames, template } from './authoring.js';
export type {
  PolicyEntry,
  PolicyRules,
  PolicySpace,
  PolicyTemplate,
  RuleArguments,
  RuleName,
} from './authoring.js';
export type { LookupEntry, PolicyLookups } from './methods.js';
export { checkPolicy, loadPolicy, Policy, policyStepsMax } from './policy.js';
export type { DenialCode, PolicyAttempt, PolicyCheck, PolicyOutline, Verdict } from './policy.js';
export type { CheckRule, PolicyProblem } from './problem.js';
