/**
 * The public module `theodora/policy/testing`: a policy file as replicas would run it, a space to try it on, and
 * a checker of all interleavings of a few clients. For the tests of whoever writes a policy.
 */
import { createHash } from 'node:crypto';
import { digest } from '../base/index.js';
import { loadPolicy, type Policy } from '../policy/index.js';
import { compilePolicy } from './policy-compiler.js';

export { any, double, formal } from '../codec/index.js';
export { emptyState, expectInvariant, explore, Trial } from '../policy/index.js';
export type {
  Exploration,
  Findings,
  Policy,
  PolicyAttempt,
  RuleCoverage,
  Step,
  Verdict,
} from '../policy/index.js';
export type { TestEntry, TestOperation, TestOutcome, TestState } from '../policy/index.js';

/**
 * Compiles, checks and loads a policy file.
 * @throws InvalidInputError `POLICY_INVALID` with rule, file, line and column
 */
export async function loadPolicyFile(path: string): Promise<Policy> {
  const { source } = await compilePolicy(path);
  return loadPolicy(source, (bytes) => digest(createHash('sha256').update(bytes).digest('hex')));
}
