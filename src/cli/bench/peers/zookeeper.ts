/** ZooKeeper of Debian: three servers, with fsync as always. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '../../launcher.js';
import { findProgram, unpackPackages } from './packages.js';
import { serverCount, type MissingPeer, type RunningPeer } from './peer.js';
import { runPeer, Servers } from './servers.js';
import { ZooKeeperClient } from './zookeeper-client.js';

const packages = [
  'libzookeeper-java',
  ...['libdropwizard-metrics-java', 'libslf4j-java', 'libsnappy-java', 'libnetty-java'],
] as const;
const jars = [
  ...['zookeeper', 'zookeeper-jute', 'slf4j-api', 'slf4j-nop', 'metrics-core', 'snappy-java', 'netty-all'],
] as const;
const mainClass = 'org.apache.zookeeper.server.quorum.QuorumPeerMain';
const readyTimeoutMs = 2_000;

/** Ports of clients, of followers and of elections, by server. */
type Ports = readonly (readonly [client: number, follower: number, election: number])[];

function configurationOf(index: number, ports: Ports, directory: string): string {
  return [
    'tickTime=2000',
    'initLimit=10',
    'syncLimit=5',
    'admin.enableServer=false',
    // Our load comes from one address.
    'maxClientCnxns=0',
    `dataDir=${directory}`,
    'clientPortAddress=127.0.0.1',
    `clientPort=${ports[index]![0]}`,
    ...ports.map(
      ([, follower, election], server) => `server.${server + 1}=127.0.0.1:${follower}:${election}`,
    ),
    '',
  ].join('\n');
}

async function isReady(addresses: readonly string[]): Promise<boolean> {
  for (const [server, address] of addresses.entries()) {
    const client = await ZooKeeperClient.connect(address, readyTimeoutMs);
    try {
      await client.create(`/ready-${server}`, new Uint8Array());
    } finally {
      await client.close();
    }
  }
  return true;
}

export async function startZooKeeper(directory: string): Promise<RunningPeer | MissingPeer> {
  const missing = findProgram('java', 'apt-get install default-jre-headless');
  if (missing !== null) return { missing };
  const unpacked = unpackPackages(packages, directory);
  if ('missing' in unpacked) return unpacked;
  const free = await freePorts(3 * serverCount);
  const ports = Array.from({ length: serverCount }, (_, server) => {
    const [client, follower, election] = free.slice(3 * server);
    return [client!, follower!, election!] as const;
  });
  const classPath = jars.map((jar) => join(unpacked.root, 'usr/share/java', `${jar}.jar`)).join(':');
  const commands = ports.map((_, index) => {
    const own = join(directory, `server-${index}`);
    mkdirSync(own);
    writeFileSync(join(own, 'myid'), `${index + 1}\n`);
    writeFileSync(join(own, 'zoo.cfg'), configurationOf(index, ports, own));
    return { program: 'java', words: ['-cp', classPath, mainClass, 'zoo.cfg'], directory: own };
  });
  const addresses = ports.map(([client]) => `127.0.0.1:${client}`);
  const servers = new Servers('ZooKeeper', commands);
  return runPeer(servers, () => isReady(addresses), {
    target: { kind: 'zookeeper', addresses },
    version: unpacked.version,
  });
}
