import { describe, expect, it } from 'vitest';
import { clientId } from '../../../src/base/index.js';
import { Client, operationBytesMax } from '../../../src/client/index.js';
import type { CallOutcome } from '../../../src/client/index.js';

interface Called {
  readonly operation: Uint8Array;
  readonly isFastRead: boolean;
  readonly timeoutMs: number;
}

function clientWith(outcome: CallOutcome): { client: Client; calls: Called[] } {
  const calls: Called[] = [];
  const id = clientId('a'.repeat(64));
  const cluster = {
    version: 1 as const,
    clusterId: '0'.repeat(32),
    replicas: [],
    certificateAuthority: '',
    clients: [],
    settings: {},
  };
  const client = new Client({
    identity: { name: 'alice', publicKey: id, cluster },
    driver: {
      call: (operation, { isFastRead = false }, timeoutMs) => {
        calls.push({ operation: operation as Uint8Array, isFastRead, timeoutMs });
        return { outcome: Promise.resolve(outcome), request: () => null, cancel: () => undefined };
      },
      follow: () => ({ consumed: () => undefined, unfollow: () => undefined }),
      distrust: () => undefined,
      close: () => Promise.resolve(),
    },
    links: { problems: () => [], status: () => Promise.resolve([]), close: () => undefined },
    timeoutMs: 1_000,
  });
  return { client, calls };
}

describe('execute', () => {
  it('hands the bytes through, ordered unless a fast read is asked for', async () => {
    const { client, calls } = clientWith({ kind: 'result', result: Uint8Array.of(9) });
    const operation = Uint8Array.of(1, 2);
    expect(await client.execute(operation)).toEqual(Uint8Array.of(9));
    await client.execute(operation, { fastRead: true, timeout: 50 });
    expect(calls).toEqual([
      { operation, isFastRead: false, timeoutMs: 1_000 },
      { operation, isFastRead: true, timeoutMs: 50 },
    ]);
  });

  it('refuses what cannot be sent', async () => {
    const { client, calls } = clientWith({ kind: 'unknown' });
    await expect(client.execute('bytes' as never)).rejects.toMatchObject({ code: 'INVALID_OPERATION' });
    await expect(client.execute(new Uint8Array(0), { lease: 1 } as never)).rejects.toMatchObject({
      code: 'UNKNOWN_OPTION',
    });
    await expect(client.execute(new Uint8Array(0))).rejects.toMatchObject({ code: 'INVALID_OPERATION' });
    await expect(client.execute(new Uint8Array(operationBytesMax + 1))).rejects.toMatchObject({
      code: 'INVALID_OPERATION',
      fields: { sizeBytesMax: operationBytesMax },
    });
    expect(calls).toEqual([]);
  });

  it('ends with an unknown outcome when nobody knows', async () => {
    const { client } = clientWith({ kind: 'unknown' });
    await expect(client.execute(Uint8Array.of(1))).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
  });
});
