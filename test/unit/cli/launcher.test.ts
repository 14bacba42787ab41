import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkPortsAreFree, freePorts, replicaCommandLine } from '../../../src/cli/launcher.js';

describe('ports', () => {
  it('are all different, and free', async () => {
    const ports = await freePorts(10);
    expect(new Set(ports).size).toBe(10);
    await checkPortsAreFree(ports.map((port) => `127.0.0.1:${port}`));
  });

  it('in use are named', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    await expect(checkPortsAreFree([address])).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      fields: { address },
    });
    server.close();
    await once(server, 'close');
  });

  it('of other machines are told apart', async () => {
    await expect(checkPortsAreFree(['192.0.2.1:7000'])).rejects.toMatchObject({
      code: 'ADDRESS_UNUSABLE',
      fields: { address: '192.0.2.1:7000' },
    });
  });
});

describe('the command that starts a replica again', () => {
  it('is short where paths are below the current directory', () => {
    const here = process.cwd();
    const place = {
      clusterFile: join(here, '.theodora/cluster.yaml'),
      id: 2,
      dataDir: join(here, '.theodora/replica-2'),
    };
    expect(replicaCommandLine(place)).toBe(
      'npx theodora replica --cluster .theodora/cluster.yaml --id 2 --data .theodora/replica-2',
    );
  });

  it('can be pasted into a shell', () => {
    const place = { clusterFile: "/a b/it's.yaml", id: 0, dataDir: '/x' };
    expect(replicaCommandLine(place)).toBe(
      `npx theodora replica --cluster '/a b/it'\\''s.yaml' --id 0 --data /x`,
    );
  });
});
