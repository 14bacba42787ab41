import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decideStart, genesisMarkerName, takeGenesisMarker } from '../../../src/replica/storage/start.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'theodora-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

describe('how a replica may start (pitfall 11)', () => {
  it('as genesis once, as an observer ever after', () => {
    writeFileSync(join(directory, genesisMarkerName), '');
    expect(decideStart(directory, 5_000)).toEqual({ kind: 'genesis' });
    expect(existsSync(join(directory, genesisMarkerName))).toBe(false);
    const nonces = [6_000, 6_000].map((nowMs) => {
      const start = decideStart(directory, nowMs);
      expect(start).toMatchObject({ kind: 'observer', startedAt: nowMs });
      return start.kind === 'observer' ? [...start.nonce] : [];
    });
    // Fresh at every start, though the clock stands still.
    expect(nonces.map(({ length }) => length)).toEqual([16, 16]);
    expect(nonces[0]).not.toEqual(nonces[1]);
  });

  it('as an observer where there never was a marker', () => {
    expect(takeGenesisMarker(directory)).toBe(false);
  });
});
