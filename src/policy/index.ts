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
export { expectInvariant, explore } from './testing/explore.js';
export type { Exploration, Findings, Step } from './testing/explore.js';
export { advance, attempt, emptyState } from './testing/naive-space.js';
export type { TestEntry, TestOperation, TestOutcome, TestState } from './testing/naive-space.js';
export { Trial } from './testing/trial.js';
export type { RuleCoverage } from './testing/trial.js';
