/** etcd of Debian: three servers, with fsync as always. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '../../launcher.js';
import { EtcdTarget } from './etcd-target.js';
import { unpackPackages } from './packages.js';
import { serverCount, type MissingPeer, type RunningPeer } from './peer.js';
import { runPeer, Servers } from './servers.js';

const packages = ['etcd-server'] as const;
const readyTimeoutMs = 2_000;

function wordsOf(index: number, clientPorts: readonly number[], peerPorts: readonly number[]): string[] {
  const url = (port: number | undefined): string => `http://127.0.0.1:${port}`;
  const [client, peer] = [url(clientPorts[index]), url(peerPorts[index])];
  const cluster = peerPorts.map((port, member) => `member-${member}=${url(port)}`).join(',');
  return [
    ...['--name', `member-${index}`, '--data-dir', 'data', '--log-level', 'error', '--logger', 'zap'],
    ...['--listen-client-urls', client, '--advertise-client-urls', client],
    ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
    ...['--initial-cluster', cluster, '--initial-cluster-state', 'new'],
  ];
}

async function isReady(addresses: readonly string[]): Promise<boolean> {
  const target = await EtcdTarget.connect({ addresses, payloadBytes: 64, timeoutMs: readyTimeoutMs });
  try {
    for (const server of addresses.keys()) await target.operate('out', server, 0);
    return true;
  } finally {
    await target.close();
  }
}

export async function startEtcd(directory: string): Promise<RunningPeer | MissingPeer> {
  const unpacked = unpackPackages(packages, directory);
  if ('missing' in unpacked) return unpacked;
  const ports = await freePorts(2 * serverCount);
  const [clientPorts, peerPorts] = [ports.slice(0, serverCount), ports.slice(serverCount)];
  const addresses = clientPorts.map((port) => `127.0.0.1:${port}`);
  const commands = addresses.map((_, index) => {
    const own = join(directory, `member-${index}`);
    mkdirSync(own);
    const words = wordsOf(index, clientPorts, peerPorts);
    return { program: join(unpacked.root, 'usr/bin/etcd'), words, directory: own };
  });
  const servers = new Servers('etcd', commands);
  return runPeer(servers, () => isReady(addresses), {
    target: { kind: 'etcd', addresses },
    version: unpacked.version,
  });
}
