/** The file of a snapshot: what is written comes back, and nothing else is ever taken for it. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InvalidInputError } from '../../../src/base/index.js';
import { readSnapshot } from '../../../src/client/index.js';
import { SnapshotWriter } from '../../../src/client/snapshot-file.js';
import { keyedCluster, signedState, writeSnapshot } from '../../support/snapshots.js';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'theodora-snapshot-'));
  path = join(directory, 'a.snapshot');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const keyed = keyedCluster();
const { cluster } = keyed;
const { clusterId } = cluster;
const pages = [
  { 0: Uint8Array.of(1, 2, 3), 300: new Uint8Array(0) },
  { 7: new Uint8Array(40).fill(9), [2 ** 40]: Uint8Array.of(5) },
] as const;

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => 'it was taken',
    (failure: unknown) => failure,
  );
  return error instanceof InvalidInputError ? error.code : String(error);
}

describe('a snapshot', () => {
  it('comes back as it was written, for its owner only', async () => {
    const state = signedState(keyed, 256, pages);
    await writeSnapshot(path, clusterId, state);
    const { certificate, ordering, application, sizeBytes } = await readSnapshot(path, cluster);
    expect([certificate, ordering.pages, application.pages]).toStrictEqual([
      state.certificate,
      state.ordering.pages,
      state.application.pages,
    ]);
    expect([sizeBytes, statSync(path).mode & 0o777]).toEqual([statSync(path).size, 0o600]);
    expect(readdirSync(directory)).toEqual(['a.snapshot']);
  });

  it('comes back when its pages are larger than what is read at once', async () => {
    const large = new Uint8Array(3 << 20).fill(1);
    const many = Object.fromEntries(
      Array.from({ length: 600 }, (_, i) => [i, new Uint8Array(5_000).fill(i)]),
    );
    const state = signedState(keyed, 256, [{ 0: large }, many]);
    await writeSnapshot(path, clusterId, state);
    const read = await readSnapshot(path, cluster);
    expect([read.ordering.root, read.application.root]).toEqual([
      state.ordering.root,
      state.application.root,
    ]);
  });

  it('is refused with any bit flipped, and at every length but its own', async () => {
    await writeSnapshot(path, clusterId, signedState(keyed, 256, pages));
    const good = readFileSync(path);
    const damaged = join(directory, 'b.snapshot');
    const isFound = async (bytes: Uint8Array): Promise<string> => {
      writeFileSync(damaged, bytes);
      return codeOf(readSnapshot(damaged, cluster));
    };
    const codes = new Set<string>();
    for (let at = 0; at < good.length; at++) {
      const flipped = Buffer.from(good);
      flipped[at]! ^= 1 << (at % 8);
      const isOfVersion = at >= 8 && at < 12;
      expect([at, await isFound(flipped)]).toEqual([
        at,
        isOfVersion ? 'SNAPSHOT_VERSION_UNKNOWN' : 'SNAPSHOT_DAMAGED',
      ]);
      codes.add(await isFound(good.subarray(0, at)));
    }
    codes.add(await isFound(Buffer.concat([good, Buffer.of(0)])));
    expect([...codes]).toEqual(['SNAPSHOT_DAMAGED']);
  });

  it('of another cluster is none of this one', async () => {
    await writeSnapshot(path, 'f0'.repeat(16), signedState(keyedCluster('f0'.repeat(16)), 256, pages));
    const error = await readSnapshot(path, cluster).catch((failure: unknown) => failure);
    expect(error).toMatchObject({ code: 'SNAPSHOT_FOREIGN', fields: { clusterId: 'f0'.repeat(16) } });
  });

  it.each([
    ['by too few', signedState(keyed, 256, pages, [0, 3])],
    ['by one replica, in the name of others too', signedState(keyed, 256, pages, [1])],
    ['by others', signedState(keyedCluster(clusterId), 256, pages)],
    ['by nobody, as the genesis', signedState(keyed, 0, pages)],
  ])('signed %s is not believed', async (_, state) => {
    const [first] = state.certificate.signatures;
    const signatures = [0, 1, 2].map((replica) => ({ ...first!, replica: first!.replica + replica }));
    const isAlone = state.certificate.signatures.length === 1;
    const certificate = isAlone ? { ...state.certificate, signatures } : state.certificate;
    await writeSnapshot(path, clusterId, { ...state, certificate } as typeof state);
    expect(await codeOf(readSnapshot(path, cluster))).toBe('SNAPSHOT_NOT_CERTIFIED');
  });

  it('with other pages than those signed is damaged, however well it is summed', async () => {
    const { certificate } = signedState(keyed, 256, pages);
    await writeSnapshot(path, clusterId, { ...signedState(keyed, 256, [pages[0], {}]), certificate });
    expect(await codeOf(readSnapshot(path, cluster))).toBe('SNAPSHOT_DAMAGED');
  });

  it('that is not finished leaves the last one, and no other file', async () => {
    await writeSnapshot(path, clusterId, signedState(keyed, 256, pages));
    const before = readFileSync(path);
    const writer = await SnapshotWriter.create(path);
    const { certificate } = signedState(keyed, 384, pages);
    await writer.begin(clusterId, certificate);
    await writer.page(0, 0, new Uint8Array(2 << 20));
    await writer.abandon();
    expect([readFileSync(path).equals(before), readdirSync(directory)]).toEqual([true, ['a.snapshot']]);
  });

  it('can be begun anew', async () => {
    const state = signedState(keyed, 384, pages);
    const writer = await SnapshotWriter.create(path);
    await writer.begin(clusterId, signedState(keyed, 256, pages).certificate);
    await writer.page(0, 0, new Uint8Array(2 << 20));
    await writer.begin(clusterId, state.certificate);
    for (const [number, bytes] of state.ordering.pages) await writer.page(0, number, bytes);
    for (const [number, bytes] of state.application.pages) await writer.page(1, number, bytes);
    await writer.finish();
    expect((await readSnapshot(path, cluster)).certificate).toStrictEqual(state.certificate);
  });
});
