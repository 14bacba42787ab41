/** The tuples that coordinators meet in, and what a look at all of them says. The policy of their space is policy/red.ts. */
import { any, formal, type Entry, type TemplateInput, type TupleInput } from '../client/index.js';
import { lagsOf, lagsText, type Lag, type MemberId } from './messages.js';

/** Ascending: whoever has several tuples, for a moment, is what the most advanced says. */
export const states = ['STOPPED', 'COPIER', 'WRITER'] as const;
export type State = (typeof states)[number];

export const replicaTuple = (id: MemberId, state: State): TupleInput => ['REPLICA', id, state];
/** Any of them. */
export const replicas: TemplateInput = ['REPLICA', formal.string, formal.string];
export const writers: TemplateInput = ['REPLICA', any, 'WRITER'];
export const anySync: TemplateInput = ['SYNC', any, any];
/** Says that the writer with this token gives WRITER back: without it none is taken, whenever the taking arrives. */
export const releaseTuple = (id: MemberId, token: bigint): TupleInput => ['RELEASE', id, token];
export const addresses: TemplateInput = ['ADDRESS', formal.string, formal.string];
export const addressOf = (id: MemberId): TemplateInput => ['ADDRESS', id, any];
export const addressTuple = (id: MemberId, address: string): TupleInput => ['ADDRESS', id, address];

/** How far behind those are who receive from the writer; the newest counts, and it ends with a lease. */
export const anyLags: TemplateInput = ['LAG', formal.string, formal.string];
export const lagTuple = (writer: MemberId, lags: readonly Lag[]): TupleInput => [
  'LAG',
  writer,
  lagsText(lags),
];

/** As that writer said last. */
export function lagsIn(entries: readonly Entry[], writer: MemberId): ReadonlyMap<MemberId, number> {
  const last = entries.filter(({ tuple }) => tuple[1] === writer).at(-1)?.tuple[2];
  const lags = typeof last === 'string' && last !== '' ? lagsOf(last.split(' ')) : null;
  return new Map((lags ?? []).map(({ id, bytes }) => [id, bytes]));
}

/** `/a/b/`: so that a policy can look for one with `includes`. */
export const syncTuple = (token: bigint, ids: readonly MemberId[]): TupleInput => [
  'SYNC',
  token,
  `/${[...new Set(ids)].sort((a, b) => (a < b ? -1 : 1)).join('/')}/`,
];

/** Null: nothing is on record, so anybody may be the first writer. */
export function syncOf(entry: Entry | null): readonly MemberId[] | null {
  const ids = entry?.tuple[2];
  return typeof ids === 'string' ? ids.split('/').filter((id) => id !== '') : null;
}

export function addressIn(entry: Entry | null): string | null {
  const address = entry?.tuple[2];
  return typeof address === 'string' ? address : null;
}

/** Ids of the entries of one member, by state. */
export type Standing = Partial<Readonly<Record<State, bigint>>>;

export interface Registry {
  readonly members: ReadonlyMap<MemberId, Standing>;
  readonly writer: { readonly id: MemberId; readonly token: bigint } | null;
}

export function registryOf(entries: readonly Entry[]): Registry {
  const members = new Map<MemberId, Partial<Record<State, bigint>>>();
  let writer: Registry['writer'] = null;
  for (const { id: entryId, tuple } of entries) {
    const [, id, state] = tuple;
    if (typeof id !== 'string' || !states.includes(state as State)) continue;
    const standing = members.get(id) ?? {};
    standing[state as State] = entryId;
    members.set(id, standing);
    if (state === 'WRITER') writer = { id, token: entryId };
  }
  return { members, writer };
}

/** Those whose most advanced tuple has this state, with the entry's id, in the order of their entries. */
export function membersAt({ members }: Registry, state: State): readonly (readonly [MemberId, bigint])[] {
  const above = states.slice(states.indexOf(state) + 1);
  return [...members]
    .flatMap(([id, standing]): (readonly [MemberId, bigint])[] => {
      const entry = standing[state];
      return entry === undefined || above.some((other) => standing[other] !== undefined) ? [] : [[id, entry]];
    })
    .sort(([, a], [, b]) => (a < b ? -1 : 1));
}
