/** Who is what among the replicas of a database, as anybody can read it in the coordinators' space. */
import type { Entry, Space } from '../client/index.js';
import type { MemberId } from './messages.js';
import {
  addresses,
  addressIn,
  addressOf,
  anyLags,
  anySync,
  lagsIn,
  membersAt,
  registryOf,
  replicas,
  states,
  syncOf,
  writers,
  type State,
} from './registry.js';

export interface Writer {
  readonly id: MemberId;
  /** Where its database is reached; null: it has not said. */
  readonly address: string | null;
  /** The fencing token. */
  readonly token: bigint;
}

export interface MemberOverview {
  readonly id: MemberId;
  /** `absent`: known by its address or by what it holds, but it has no lease. */
  readonly role: 'absent' | 'stopped' | 'copier' | 'writer';
  /** When its role ends unless it is renewed, on the cluster's clock, ms since the epoch; null: it has none. */
  readonly deadline: number | null;
  readonly address: string | null;
  /** Of the writer. */
  readonly token: bigint | null;
  /** Whether it is on record to hold every acknowledged commit. */
  readonly isInSync: boolean;
  /** Of a copier: how much of the writer's log it has not got on its disk yet, as the writer said last; null: it has not. */
  readonly lagBytes: number | null;
}

export interface Overview {
  /** By id. */
  readonly members: readonly MemberOverview[];
  /** Who holds every acknowledged commit; null: nothing is on record. */
  readonly sync: readonly MemberId[] | null;
}

export interface WaitForWriter {
  /** ms; absent: until there is one. */
  readonly timeout?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

const roles = { STOPPED: 'stopped', COPIER: 'copier', WRITER: 'writer' } as const;

async function writerIn(space: Space, entry: Entry | null): Promise<Writer | null> {
  const id = entry?.tuple[1];
  if (entry === null || typeof id !== 'string') return null;
  return { id, address: addressIn(await space.rdp(addressOf(id))), token: entry.id };
}

/** Null: there is none. */
export async function readWriter(space: Space): Promise<Writer | null> {
  return writerIn(space, await space.rdp(writers));
}

/** Waits at the service until there is one. Null: the time is over. @throws the signal's reason. */
export async function awaitWriter(
  space: Space,
  { timeout, signal }: WaitForWriter = {},
): Promise<Writer | null> {
  return writerIn(space, await space.rd(writers, { timeout, signal }));
}

export async function readOverview(space: Space): Promise<Overview> {
  const [entries, known, syncs, lags] = await Promise.all([
    space.rdAll(replicas),
    space.rdAll(addresses),
    space.rdp(anySync),
    space.rdAll(anyLags),
  ]);
  const sync = syncOf(syncs);
  const deadlines = new Map(entries.map(({ id, deadline }) => [id, deadline ?? null]));
  const addressBy = new Map(known.map((entry) => [String(entry.tuple[1]), addressIn(entry)]));
  const registry = registryOf(entries);
  const lagBy = lagsIn(lags, registry.writer?.id ?? '');
  const standings = new Map<MemberId, { readonly state: State; readonly entry: bigint }>();
  for (const state of states)
    for (const [id, entry] of membersAt(registry, state)) standings.set(id, { state, entry });
  const ids = new Set([...standings.keys(), ...addressBy.keys(), ...(sync ?? [])]);
  const members = [...ids]
    .sort((a, b) => (a < b ? -1 : 1))
    .map((id): MemberOverview => {
      const standing = standings.get(id);
      return {
        id,
        role: standing === undefined ? 'absent' : roles[standing.state],
        deadline: standing === undefined ? null : (deadlines.get(standing.entry) ?? null),
        address: addressBy.get(id) ?? null,
        token: standing?.state === 'WRITER' ? standing.entry : null,
        isInSync: sync?.includes(id) === true,
        lagBytes: standing?.state === 'COPIER' ? (lagBy.get(id) ?? null) : null,
      };
    });
  return { members, sync };
}
