/**
 * `theodora status`: what each replica says about itself, one replica's word each. It must work when hardly
 * anything else does, so it needs no quorum.
 */
import type { Command } from 'commander';
import { UnavailableError } from '../../base/index.js';
import type { ReplicaStatus } from '../../client/index.js';
import type { Bind } from '../command.js';
import { exitStatus } from '../errors.js';
import { toPrintable, type Output } from '../output.js';

/** A replica that does not answer must not cost the whole --timeout, ms. */
const statusTimeoutMs = 2_000;
const shownDigestLength = 12;

const header = [
  'replica',
  'address',
  'reachable',
  'state',
  'view',
  'primary',
  'executed',
  'stable',
  'digest',
  'peers',
  'clients',
  'version',
];

function stateOf({ isObserver, isActive }: ReplicaStatus & { reachable: true }): string {
  if (isObserver) return 'observer';
  return isActive ? 'active' : 'changing view';
}

function rowOf(status: ReplicaStatus): string[] {
  const { id, address } = status;
  if (!status.reachable) return [String(id), address, 'no', status.reason];
  return [
    String(id),
    address,
    'yes',
    stateOf(status),
    String(status.view),
    String(status.primary),
    String(status.executed),
    String(status.stableCheckpoint),
    status.stateDigest.slice(0, shownDigestLength),
    String(status.peersConnected),
    String(status.clientsConnected),
    status.version,
  ];
}

/** Whether the replicas that stand at the same point say the same about their state there. */
function divergence(output: Output, replicas: readonly ReplicaStatus[]): string | null {
  const digests = new Map<number, string>();
  for (const replica of replicas) {
    if (!replica.reachable) continue;
    const digest = digests.get(replica.executed) ?? replica.stateDigest;
    digests.set(replica.executed, digest);
    if (digest !== replica.stateDigest) {
      return output.style(
        'red',
        `replicas differ in their state after ${replica.executed}: one of them is faulty`,
      );
    }
  }
  return null;
}

/** What the service refused, by replica: each counts since its own start, and each is believed for itself. */
function refusals(output: Output, replicas: readonly ReplicaStatus[]): string | null {
  const rows = new Map<string, { readonly what: readonly string[]; readonly counts: Map<number, number> }>();
  for (const replica of replicas) {
    if (!replica.reachable) continue;
    for (const { code, client, space, count } of replica.refusals) {
      const what = [code, client, space].map(toPrintable);
      const key = JSON.stringify(what);
      const row = rows.get(key) ?? { what, counts: new Map<number, number>() };
      rows.set(key, row);
      row.counts.set(replica.id, count);
    }
  }
  if (rows.size === 0) return null;
  const most = ({ counts }: { readonly counts: Map<number, number> }): number => Math.max(...counts.values());
  const columns = ['refused', 'client', 'space', ...replicas.map(({ id }) => `by ${id}`)];
  const lines = [...rows.values()]
    .sort((a, b) => most(b) - most(a))
    .map(({ what, counts }) => [...what, ...replicas.map(({ id }) => String(counts.get(id) ?? 0))]);
  return `\n${output.table(columns, lines)}`;
}

/** What each replica has seen others do; no more than its own word. */
function suspicions(output: Output, replicas: readonly ReplicaStatus[]): string | null {
  const lines = replicas.flatMap((replica) =>
    replica.reachable
      ? replica.suspicions.map(({ of, reason, count }) => [
          `replica ${replica.id}`,
          toPrintable(of),
          toPrintable(reason),
          String(count),
        ])
      : [],
  );
  return lines.length === 0 ? null : `\n${output.table(['seen by', 'of', 'reason', 'times'], lines)}`;
}

export function showStatus(output: Output, replicas: readonly ReplicaStatus[]): void {
  output.result({ replicas }, () =>
    [
      output.table(header, replicas.map(rowOf)),
      divergence(output, replicas),
      refusals(output, replicas),
      suspicions(output, replicas),
    ]
      .filter((line) => line !== null)
      .join('\n'),
  );
}

export function registerStatus(program: Command, bind: Bind): void {
  program
    .command('status')
    .description('what each replica says about itself')
    .addHelpText(
      'after',
      `
view, primary: the replicas' number of the current view and who leads it; executed: batches executed;
stable: the last stable checkpoint; digest: of the state after what is executed, equal at equal points.
refused: what the service refused most often, counted by each replica since its start; shown if there is any.
seen by: misbehaviour that a replica has seen of others, its own word; shown if there is any.

Example:
  $ theodora status`,
    )
    .action(
      bind(async ({ output, clusterFile, identity, timeoutMs }) => {
        const { clusterStatus } = await import('../../client/index.js');
        const replicas = await clusterStatus({
          cluster: clusterFile,
          identity,
          timeoutMs: Math.min(timeoutMs, statusTimeoutMs),
        });
        showStatus(output, replicas);
        if (replicas.some(({ reachable }) => reachable)) return exitStatus.ok;
        throw new UnavailableError('CLUSTER_UNREACHABLE', 'no replica can be reached.');
      }),
    );
}
