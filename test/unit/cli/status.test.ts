import { describe, expect, it } from 'vitest';
import { digest, replicaId, sequenceNumber, viewNumber } from '../../../src/base/index.js';
import { showStatus } from '../../../src/cli/commands/status.js';
import { Output } from '../../../src/cli/output.js';
import type { ReplicaStatus } from '../../../src/client/index.js';

type Refusals = (ReplicaStatus & { reachable: true })['refusals'];

type Suspicions = (ReplicaStatus & { reachable: true })['suspicions'];

const replica = (id: number, refusals: Refusals, suspicions: Suspicions = []): ReplicaStatus => ({
  id,
  address: `127.0.0.1:${id + 1}`,
  reachable: true,
  view: viewNumber(0),
  primary: replicaId(0),
  isActive: true,
  isObserver: false,
  executed: sequenceNumber(12),
  stableCheckpoint: sequenceNumber(0),
  stateDigest: digest('ab'.repeat(32)),
  peersConnected: 3,
  clientsConnected: 1,
  version: '1.2.3',
  refusals,
  suspicions,
});
const gone: ReplicaStatus = { id: 2, address: '127.0.0.1:3', reachable: false, reason: 'connection refused' };

function shown(replicas: readonly ReplicaStatus[], isJson = false): string {
  let text = '';
  const stdout = (part: string): void => void (text += part);
  const terminal = { env: {}, isStdoutTty: false, isStderrTty: false, stdout, stderr: stdout };
  showStatus(new Output(terminal, isJson), replicas);
  return text;
}

describe('status', () => {
  const denied = { code: 'POLICY_DENIED', client: 'bob', space: 'jobs' };
  const unknown = { code: 'UNKNOWN_CLIENT', client: 'e\u001b[2J', space: '' };
  const replicas = [
    replica(0, [
      { ...unknown, count: 2 },
      { ...denied, count: 7 },
    ]),
    replica(1, [{ ...denied, count: 9 }]),
    gone,
  ];

  it('shows what was refused, by replica, the most frequent first', () => {
    const lines = shown(replicas).trimEnd().split('\n').slice(-4);
    expect(lines).toEqual([
      '',
      'refused         client    space  by 0  by 1  by 2',
      'POLICY_DENIED   bob       jobs   7     9     0',
      'UNKNOWN_CLIENT  e\\x1b[2J         2     0     0',
    ]);
  });

  it('says nothing of refusals when there are none', () => {
    expect(shown([replica(0, []), gone])).not.toContain('refused  ');
  });

  it('shows what each replica has seen of others', () => {
    const flood = { of: 'replica 3', reason: 'PEER_FLOODS', count: 5 };
    const lines = shown([replica(0, [], [flood]), gone])
      .trimEnd()
      .split('\n')
      .slice(-3);
    expect(lines).toEqual([
      '',
      'seen by    of         reason       times',
      'replica 0  replica 3  PEER_FLOODS  5',
    ]);
  });

  it('as JSON has them with each replica', () => {
    const { replicas: told } = JSON.parse(shown(replicas, true)) as { replicas: { refusals?: unknown }[] };
    expect(told.map(({ refusals }) => refusals)).toEqual([
      [
        { ...unknown, count: 2 },
        { ...denied, count: 7 },
      ],
      [{ ...denied, count: 9 }],
      undefined,
    ]);
  });
});
