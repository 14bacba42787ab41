import { describe, expect, it } from 'vitest';
import { DiskSpace } from '../../../src/replica/storage/disk-space.js';

function watched(needed = 1_000) {
  const disk = { free: 5_000 as number | Error };
  const told: [boolean, number][] = [];
  const space = new DiskSpace({
    freeBytes: () => (disk.free instanceof Error ? Promise.reject(disk.free) : Promise.resolve(disk.free)),
    neededBytes: () => needed,
    changed: (isFull, free) => told.push([isFull, free]),
  });
  return { disk, told, space };
}

describe('room on disk', () => {
  it('is short below what is needed, and enough again a good deal above it', async () => {
    const { disk, told, space } = watched();
    for (const free of [5_000, 1_000, 999, 10, 1_100, 1_249, 1_250, 999]) {
      disk.free = free;
      await space.check();
      expect(space.freeBytes).toBe(free);
    }
    expect(told).toEqual([
      [true, 999],
      [false, 1_250],
      [true, 999],
    ]);
    expect(space.isFull).toBe(true);
  });

  it('is taken for what it was where nobody can tell', async () => {
    const { disk, told, space } = watched();
    disk.free = new Error('no such file system');
    await space.check();
    expect([space.isFull, space.freeBytes, told]).toEqual([false, null, []]);
    disk.free = 1;
    await space.check();
    disk.free = new Error('gone');
    await space.check();
    expect(space.isFull).toBe(true);
  });

  it('is looked at once at a time', async () => {
    let looks = 0;
    let answer = (_free: number): void => undefined;
    const space = new DiskSpace({
      freeBytes: () => new Promise((resolve) => ((answer = resolve), looks++)),
      neededBytes: () => 1,
      changed: () => undefined,
    });
    const first = space.check();
    await space.check();
    expect(looks).toBe(1);
    answer(5);
    await first;
    expect(space.freeBytes).toBe(5);
  });
});
