/**
 * What a space lets whom do (DESIGN section 5): its lists of names, then its policy. Both are fixed by the admin; a
 * broken policy fails closed. Must not know what operations do.
 */
import { assert, type ClientName, type HashFunction } from '../base/index.js';
import { decodeSpaceRecord, type SpaceConfig, type SpaceRecord } from '../codec/index.js';
import { loadPolicy, type Policy, type PolicyAttempt, type RuleName } from '../policy/index.js';
import { refused, type Refused, type Space } from '../space/index.js';

/** A list of the space that an operation needs its client to be on. */
export type ListName = 'insert' | 'readers' | 'takers';

export interface Guard {
  readonly config: SpaceConfig;
  readonly keyOrigin: SpaceRecord['keyOrigin'];
  /** Null: whatever the lists allow. */
  readonly policy: Policy | null;
}

export function recordOf(bytes: Uint8Array): SpaceRecord {
  const record = decodeSpaceRecord(bytes);
  assert(record !== null, 'a certified record of a space is well-formed');
  return record;
}

export function guardFor({ config, keyOrigin }: SpaceRecord, hash: HashFunction): Guard {
  return { config, keyOrigin, policy: config.policy === null ? null : loadPolicy(config.policy, hash) };
}

/** The first of the lists that the client is missing on. */
export function checkLists(
  { config }: Guard,
  needed: readonly ListName[],
  client: ClientName,
): Refused | null {
  const missing = needed.find((list) => config[list]?.includes(client) === false);
  return missing === undefined ? null : refused('ACL_DENIED', 0, missing);
}

/** What the policy says to an attempt in its space as it is. */
export function checkPolicyRule({ policy }: Guard, space: Space, attempt: PolicyAttempt): Refused | null {
  if (policy === null) return null;
  const verdict = policy.evaluate(attempt, space.lookups);
  return verdict.kind === 'allowed' ? null : refused(verdict.code, 0, verdict.rule);
}

/** Whether, by the replica's clock, the verdict of the rule may be another one once it is ordered. */
export function isRuleUncertain({ policy }: Guard, rule: RuleName, space: Space, time: number): boolean {
  if (policy === null) return false;
  return policy.usesTime(rule) || (policy.usesSpace(rule) && space.mayLoseMatches(null, time));
}
