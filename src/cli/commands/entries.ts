/** What the commands on a tuple space share: the way to it, and how entries look to people and programs. */
import type { Entry, Space } from '../../client/index.js';
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
export async function withSpace(
  context: Context,
  act: (space: Space) => Promise<ExitStatus>,
): Promise<ExitStatus> {
  const { connect } = await import('../../client/index.js');
  const { clusterFile, identity, timeoutMs, space } = context;
  const client = await connect({ cluster: clusterFile, identity, timeoutMs });
  try {
    return await act(client.space(space));
  } finally {
    await client.close();
  }
}

export function entryToJson({ id, tuple, owner, deadline }: Entry): object {
  const entry = { id: idToJson(id), tuple: tupleToJson(tuple), owner };
  return deadline === undefined ? entry : { ...entry, deadline };
}

/** With a column for deadlines if any entry has one; relative to this machine's clock, so for people only. */
export function entryTable(output: Output, entries: readonly Entry[]): string {
  const nowMs = Date.now();
  const isTimed = entries.some(({ deadline }) => deadline !== undefined);
  const rows = entries.map(({ id, tuple, owner, deadline }) => {
    const expiry = deadline === undefined ? '' : formatDeadline(deadline - nowMs);
    return [String(id), owner, ...(isTimed ? [expiry] : []), toJsonLine(tupleToJson(tuple))];
  });
  return output.table(['id', 'owner', ...(isTimed ? ['expires'] : []), 'tuple'], rows);
}

export function showEntry(output: Output, entry: Entry | null, none = 'no match'): ExitStatus {
  output.result({ entry: entry === null ? null : entryToJson(entry) }, () =>
    entry === null ? none : entryTable(output, [entry]),
  );
  return entry === null ? exitStatus.noMatch : exitStatus.ok;
}
