/** Vote log and pages as one storage: what is told, and that a failure of either is the end of both. */
import { describe, expect, it } from 'vitest';
import { replicaId, sequenceNumber, type SequenceNumber } from '../../../src/base/index.js';
import type { StateToSave } from '../../../src/ordering/index.js';
import { DiskStorage, type DiskStorageParts } from '../../../src/replica/storage/disk-storage.js';
import type { StorageListener } from '../../../src/replica/storage/port.js';
import { StateMaker } from '../../support/saved-states.js';

function parts() {
  const told: unknown[] = [];
  let log: Pick<StorageListener, 'stored' | 'failed'> | null = null;
  let settle: (isSaved: boolean | Error) => void = () => undefined;
  const saves: { state: StateToSave; position: Uint8Array }[] = [];
  let onSave = (): void => undefined;
  const saving = new Promise<void>((resolve) => (onSave = resolve));
  const storage = new DiskStorage({
    replica: replicaId(0),
    log: {
      listen: (listener: typeof log) => (log = listener),
      append: (number: number) => void told.push(`append ${number}`),
      truncate: (number: SequenceNumber) => void told.push(`truncate ${number}`),
      close: (done: () => void) => done(),
      position: Uint8Array.of(5),
    },
    pages: {
      save: (state: StateToSave, position: () => Uint8Array) => {
        saves.push({ state, position: position() });
        onSave();
        return new Promise<boolean>((resolve, reject) => {
          settle = (end) => (end instanceof Error ? reject(end) : resolve(end));
        });
      },
      close: () => Promise.resolve(),
    },
    closed: (isClean: boolean) => Promise.resolve(void told.push(`closed ${isClean ? 'clean' : 'unclean'}`)),
  } as unknown as DiskStorageParts);
  let onTold = (): void => undefined;
  const tell = (what: unknown): void => {
    told.push(what);
    onTold();
  };
  storage.listen({
    stored: (number) => tell(`stored ${number}`),
    stateSaved: (number) => tell(`saved ${number}`),
    failed: (error) => tell(error),
  });
  const next = new Promise<void>((resolve) => (onTold = resolve));
  return {
    told,
    storage,
    saves,
    saving,
    next,
    log: () => log!,
    settle: (end: boolean | Error) => settle(end),
  };
}

const state = new StateMaker().next();
const full = new Error('disk full');

describe('a disk storage', () => {
  it('passes on what it is asked for, and tells what is done', async () => {
    const { told, storage, saves, saving, next, log, settle } = parts();
    storage.append(1, { kind: 'voting' }, false);
    log().stored(1);
    storage.saveState(state);
    await saving;
    expect(saves).toEqual([{ state, position: Uint8Array.of(5) }]);
    settle(true);
    await next;
    storage.truncate(sequenceNumber(128));
    await storage.close();
    expect(told).toEqual(['append 1', 'stored 1', 'saved 128', 'truncate 128', 'closed clean']);
  });

  it('fails once if a state cannot be saved, and is not clean then', async () => {
    const { told, storage, saving, next, log, settle } = parts();
    storage.saveState(state);
    await saving;
    settle(full);
    await next;
    log().failed(new Error('the log too'));
    await storage.close();
    expect(told).toEqual([full, 'closed unclean']);
  });

  it('tells of no saved state after the log has failed', async () => {
    const { told, storage, saving, log, settle } = parts();
    storage.saveState(state);
    await saving;
    log().failed(full);
    settle(true);
    await storage.close();
    expect(told).toEqual([full, 'closed unclean']);
  });

  it('tells nothing once it is closed', async () => {
    const { told, storage, saving, log, settle } = parts();
    storage.saveState(state);
    await saving;
    const closed = storage.close();
    log().stored(7);
    settle(true);
    await closed;
    expect(told).toEqual(['closed clean']);
  });
});
