/** `init` and `replica`: a cluster as operators of several machines run it, one process at a time. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePorts } from '../../src/cli/launcher.js';
import { errorOf, mainPath, resultOf, Workplace } from '../support/theodora-process.js';
import type { Running } from '../support/theodora-process.js';

let work: Workplace;
beforeEach(() => {
  work = new Workplace();
});
afterEach(() => work.close());

async function init(): Promise<string> {
  const hosts = (await freePorts(4)).map((port) => `127.0.0.1:${port}`).join(',');
  const finished = await work.run('init', '--replicas', '4', '--hosts', hosts, '--out', 'cluster');
  expect(finished).toMatchObject({ status: 0, err: '' });
  return resultOf(finished)['cluster'] as string;
}

function startReplica(cluster: string, id: number, ...more: readonly string[]): Running {
  return work.start(
    'replica',
    '--cluster',
    cluster,
    '--id',
    String(id),
    '--data',
    `cluster/replica-${id}`,
    ...more,
  );
}

describe('replicas started one by one', () => {
  it('form a cluster that serves once a quorum runs, and stop gracefully', async () => {
    const cluster = await init();
    const running = [0, 1, 2].map((id) => startReplica(cluster, id, '--metrics-port', '0'));
    const events = await Promise.all(running.map((replica, id) => replica.event({ event: 'listening', id })));
    const out = await work.run('--cluster', cluster, 'out', '["job", 1]');
    expect([out.status, resultOf(out)]).toMatchObject([0, { entry: { tuple: ['job', 1] } }]);

    const port = events[1]!['metricsPort'] as number;
    const health = await fetch(`http://127.0.0.1:${port}/healthz`);
    expect([health.status, await health.json()]).toMatchObject([200, { status: 'ok', isObserver: false }]);
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    expect(metrics).toContain('theodora_');

    for (const [id, replica] of running.entries()) {
      replica.kill(id === 0 ? 'SIGINT' : 'SIGTERM');
      expect(await replica.finished).toMatchObject({ status: 0, err: '' });
      expect(await replica.event({ event: 'stopped' })).toEqual({ event: 'stopped', id });
    }
  });

  it('tell people where they listen', async () => {
    const cluster = await init();
    const replica = work.spawn(process.execPath, [
      mainPath,
      ...[
        'replica',
        '--cluster',
        cluster,
        '--id',
        '3',
        '--data',
        'cluster/replica-3',
        '--listen',
        '127.0.0.1:0',
      ],
    ]);
    await replica.line(/^replica 3 listens on 127\.0\.0\.1:[1-9]\d* \(process \d+\); its log: /);
    replica.kill('SIGTERM');
    expect((await replica.finished).out).toMatch(/replica 3 stopped\n$/);
  });

  it.each([
    ['the folder of another replica', ['--id', '1', '--data', 'cluster/replica-2'], 'KEY_MISMATCH'],
    ['a folder that is not there', ['--id', '1', '--data', 'cluster/replica-9'], 'DATA_DIR_MISSING'],
    ['an id that the cluster does not have', ['--id', '4', '--data', 'cluster/replica-3'], 'UNKNOWN_REPLICA'],
    ['no id', ['--data', 'cluster/replica-3'], 'USAGE'],
  ])('refuse %s with status 2', async (_, args, code) => {
    const cluster = await init();
    const finished = await work.run('replica', '--cluster', cluster, ...args);
    expect([finished.status, finished.out, errorOf(finished)]).toMatchObject([2, '', { code }]);
  });
});
