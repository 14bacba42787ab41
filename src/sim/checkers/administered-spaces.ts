/** What the admin makes of spaces, as naively as possible: what is refused, and the space that comes of it. */
import { InvalidInputError } from '../../base/index.js';
import type { ClientName } from '../../base/index.js';
import type { PolicyChange, SpaceConfig } from '../../codec/index.js';
import { loadPolicy } from '../../policy/index.js';
import type { Policy } from '../../policy/index.js';
import { sha256 } from '../authenticator.js';
import { GuardedSpace, refusal } from './guarded-space.js';
import type { Refusal } from './guarded-space.js';
import type { RegisteredClients } from './registered-clients.js';

/** Where the events of spaces begin that are created after one was deleted: at the next page past its next event. */
export const firstEventAfter = (next: number): number => next + 64 - ((next - 1) % 64);

type Change = Omit<PolicyChange, 'digest'>;

export function createSpace(
  name: string,
  firstEvent: number,
  config: SpaceConfig,
  change: Change,
  clients: RegisteredClients,
): GuardedSpace | Refusal {
  const lists: readonly ClientName[][] = [config.insert, config.readers, config.takers].map((list) => [
    ...(list ?? []),
  ]);
  const unknown = clients.nameRefusal(lists.flat());
  if (unknown !== null) return unknown;
  const policy = load(config.policy);
  if (policy !== null && 'code' in policy) return policy;
  return new GuardedSpace(name, firstEvent, config, policy, { ...change, digest: policy?.digest ?? null });
}

/** Why not, or null. */
export function setPolicyOf(space: GuardedSpace, text: string | null, change: Change): Refusal | null {
  const policy = load(text);
  if (policy !== null && 'code' in policy) return policy;
  space.setPolicy(text, policy, { ...change, digest: policy?.digest ?? null });
  return null;
}

function load(text: string | null): Policy | Refusal | null {
  if (text === null) return null;
  try {
    return loadPolicy(text, sha256);
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    const { rule, line, column } = error.fields;
    return refusal('POLICY_INVALID', 0, `${String(rule)}:${String(line)}:${String(column)}`);
  }
}
