/** What of a tuple the replicas may know, field by field (DESIGN section 7). */
import { InvalidInputError } from '../base/index.js';

/**
 * `public`: the value. `comparable`: its type, and whether it equals another's. `private`: nothing.
 */
export type Protection = 'public' | 'comparable' | 'private';

const defaultProtection: Protection = 'comparable';

function isProtection(value: unknown): value is Protection {
  return value === 'public' || value === 'comparable' || value === 'private';
}

function refuse(problem: string, fields: Readonly<Record<string, unknown>>): never {
  throw new InvalidInputError('CONFIDENTIAL_PROTECTION_INVALID', `protection: ${problem}`, fields);
}

/**
 * One protection a field; left out, all are comparable.
 * @throws InvalidInputError `CONFIDENTIAL_PROTECTION_INVALID`
 */
export function protectionsOf(arity: number, wanted?: readonly unknown[]): readonly Protection[] {
  if (wanted === undefined) return Array.from({ length: arity }, () => defaultProtection);
  if (!Array.isArray(wanted)) refuse('expected an array of public, comparable or private', {});
  if (wanted.length !== arity) {
    const problem = `${wanted.length} given for ${arity} fields; give one for each field, or none at all`;
    refuse(problem, { count: wanted.length, arity });
  }
  return Array.from(wanted, (value: unknown, index) => {
    if (isProtection(value)) return value;
    return refuse(`field ${index}: expected public, comparable or private`, { index });
  });
}
