/** What the commands on a tuple space share: the way to it, and how entries look to people and programs. */
import type { Client, Entry, Space } from '../../client/index.js';
import type { Context } from '../config.js';
import { formatDeadline } from '../duration.js';
import { exitStatus } from '../errors.js';
import type { ExitStatus } from '../errors.js';
import { idToJson, tupleToJson } from '../json-tuples.js';
import { toJsonLine } from '../output.js';
import type { Output } from '../output.js';

export const templateHelp = 'JSON array; null matches anything, {"formal":"int"} any integer';

export function examples(...lines: readonly string[]): string {
  return ['', 'Examples:', ...lines.map((line) => `  $ theodora ${line}`)].join('\n');
}

/** One connection for the length of `act`. */
export async function withClient(
  context: Context,
  act: (client: Client) => Promise<ExitStatus>,
): Promise<ExitStatus> {
  const { connect } = await import('../../client/index.js');
  const { clusterFile, identity, timeoutMs } = context;
  const client = await connect({ cluster: clusterFile, identity, timeoutMs });
  try {
    return await act(client);
  } finally {
    await client.close();
  }
}

export function withSpace(context: Context, act: (space: Space) => Promise<ExitStatus>): Promise<ExitStatus> {
  return withClient(context, (client) => act(client.space(context.space)));
}

/** Deadline, readers and takers only where there are such. */
export function entryToJson({ id, tuple, owner, ...others }: Entry): object {
  return { id: idToJson(id), tuple: tupleToJson(tuple), owner, ...others };
}

export const listNames = (names: readonly string[]): string => names.join(', ') || 'nobody';

interface Column {
  readonly title: string;
  /** Undefined: there is nothing to say of this entry. */
  readonly cell: (entry: Entry) => string | undefined;
}

/** Columns that only some entries need; deadlines are relative to this machine's clock, so for people only. */
function optionalColumns(nowMs: number): readonly Column[] {
  const ifAny = <T>(value: T | undefined, show: (value: T) => string): string | undefined =>
    value === undefined ? undefined : show(value);
  return [
    { title: 'expires', cell: ({ deadline }) => ifAny(deadline, (ms) => formatDeadline(ms - nowMs)) },
    { title: 'readers', cell: ({ readers }) => ifAny(readers, listNames) },
    { title: 'takers', cell: ({ takers }) => ifAny(takers, listNames) },
  ];
}

export function entryTable(output: Output, entries: readonly Entry[]): string {
  const columns = optionalColumns(Date.now()).filter(({ cell }) =>
    entries.some((entry) => cell(entry) !== undefined),
  );
  const rows = entries.map((entry) => [
    String(entry.id),
    entry.owner,
    ...columns.map(({ cell }) => cell(entry) ?? ''),
    toJsonLine(tupleToJson(entry.tuple)),
  ]);
  return output.table(['id', 'owner', ...columns.map(({ title }) => title), 'tuple'], rows);
}

export function showEntry(output: Output, entry: Entry | null, none = 'no match'): ExitStatus {
  output.result({ entry: entry === null ? null : entryToJson(entry) }, () =>
    entry === null ? none : entryTable(output, [entry]),
  );
  return entry === null ? exitStatus.noMatch : exitStatus.ok;
}
