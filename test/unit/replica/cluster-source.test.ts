import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { addClient } from '../../../src/crypto/index.js';
import { ClusterSource } from '../../../src/replica/cluster-source.js';
import { makeClusterFiles, silent, type ClusterFiles } from '../../support/cluster-files.js';

let files: ClusterFiles;
let nowMs: number;

beforeEach(async () => {
  files = await makeClusterFiles();
  nowMs = 1_000;
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
  files.remove();
});

const open = (): ClusterSource => new ClusterSource(files.clusterFile, silent, () => nowMs);
const names = (source: ClusterSource): string[] => source.current().clients.map(({ name }) => name);

/** As the command line does: the file is replaced, not written into. */
function edit(change: (text: string) => string): void {
  const draft = `${files.clusterFile}.new`;
  writeFileSync(draft, change(readFileSync(files.clusterFile, 'utf8')));
  renameSync(draft, files.clusterFile);
}
const addAlice = (text: string): string => addClient(text, 'alice', 'ab'.repeat(32));

describe('the cluster file under a running replica', () => {
  it('is looked at again, but not more often than every 200 ms', () => {
    const source = open();
    edit(addAlice);
    nowMs += 199;
    expect(names(source)).toEqual(['admin']);
    nowMs += 1;
    expect(names(source)).toEqual(['admin', 'alice']);
  });

  it('gives the same description while it does not change', () => {
    const source = open();
    const first = source.current();
    nowMs += 10_000;
    expect(source.current()).toBe(first);
  });

  it('is looked at for one who waits, once for all who wait', async () => {
    const source = open();
    nowMs += 50;
    const waiting = [source.refresh(), source.refresh()];
    edit(addAlice);
    vi.advanceTimersByTime(149);
    nowMs += 149;
    expect(names(source)).toEqual(['admin']);
    vi.advanceTimersByTime(1);
    const [a, b] = await Promise.all(waiting);
    expect(a).toBe(b);
    expect(a!.clients).toHaveLength(2);
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each([
    ['is not valid any more', (text: string) => text.replace('version: 1', 'version: 9')],
    ['is empty', () => ''],
    [
      'describes another cluster',
      (text: string) => text.replace(files.description.clusterId, '0f'.repeat(16)),
    ],
  ])('keeps the last good description when it %s, until it is mended', (_what, change) => {
    const source = open();
    const before = source.current();
    const good = readFileSync(files.clusterFile, 'utf8');
    edit(change);
    nowMs += 200;
    expect(source.current()).toBe(before);
    edit(() => addAlice(good));
    nowMs += 200;
    expect(names(source)).toEqual(['admin', 'alice']);
  });

  it('keeps it also while the file is missing', () => {
    const source = open();
    const before = source.current();
    renameSync(files.clusterFile, `${files.clusterFile}.away`);
    nowMs += 200;
    expect(source.current()).toBe(before);
  });
});
