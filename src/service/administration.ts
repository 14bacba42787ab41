/**
 * Ordered administration (DESIGN section 5): clients and spaces. One admin rules; whatever only describes is for every
 * client, but the list of all of them.
 */
import type { ClientId } from '../base/index.js';
import type { AdminOperation, Result, SpaceDescription } from '../codec/index.js';
import { refused, type Effects, type Refused, type Space, type SpaceSet } from '../space/index.js';
import { adminName, type Clients } from './clients.js';
import type { Change, Spaces } from './spaces.js';

export interface Administration {
  readonly clients: Clients;
  readonly spaces: Spaces;
  readonly set: SpaceSet;
  readonly effects: Effects;
  /** Ends all sessions of a client. */
  endClient(client: ClientId): void;
  /** The policy of the space is another one. */
  recheck(space: Space): void;
}

type AdminOf<K extends AdminOperation['kind']> = Extract<AdminOperation, { readonly kind: K }>;

function described(description: SpaceDescription | Refused): Result {
  return 'code' in description ? description : { kind: 'space', space: description };
}

export function administer(at: Administration, operation: AdminOperation, change: Change): Result {
  if (operation.kind === 'spaceList') return { kind: 'spaces', spaces: at.spaces.list() };
  const isForAll = operation.kind === 'spaceShow';
  if (!isForAll && change.by !== adminName) return refused('ADMIN_ONLY', 0);
  switch (operation.kind) {
    case 'clientAdd':
    case 'clientRevoke':
    case 'clientPardon':
    case 'clientList':
      return administerClients(at, operation, change);
    case 'spaceCreate':
      return described(at.spaces.create(operation.space, operation.config, change));
    default:
      return administerSpace(at, operation, change);
  }
}

function administerClients(
  { clients, endClient }: Administration,
  operation: AdminOf<'clientAdd' | 'clientRevoke' | 'clientPardon' | 'clientList'>,
  { time }: Change,
): Result {
  switch (operation.kind) {
    case 'clientAdd': {
      const added = clients.add(operation.name, operation.publicKey, time);
      return 'code' in added ? added : { kind: 'client', client: added };
    }
    case 'clientPardon': {
      const pardoned = clients.pardon(operation.name);
      return 'code' in pardoned ? pardoned : { kind: 'client', client: pardoned };
    }
    case 'clientRevoke': {
      const revoked = clients.revoke(operation.name, time);
      if ('code' in revoked) return revoked;
      endClient(revoked.publicKey);
      return { kind: 'client', client: revoked };
    }
    case 'clientList':
      return { kind: 'clients', clients: clients.list() };
  }
}

function administerSpace(
  { set, spaces, effects, recheck }: Administration,
  operation: AdminOf<'spaceShow' | 'spaceSetPolicy' | 'spaceDelete'>,
  change: Change,
): Result {
  const space = set.get(operation.space);
  if (space === null) return refused('NO_SUCH_SPACE', 0);
  switch (operation.kind) {
    case 'spaceShow':
      return described(spaces.describe(space));
    case 'spaceSetPolicy':
      return described(spaces.setPolicy(space, operation.policy, change, recheck));
    case 'spaceDelete':
      return described(spaces.delete(space, effects));
  }
}
