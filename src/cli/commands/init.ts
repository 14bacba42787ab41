/** `theodora init`: cluster file, certificates and keys for replicas on machines of their own. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { RequestAuth } from '../../crypto/index.js';
import { checkDirectoryIsFree, writeClusterDirectory } from '../cluster-directory.js';
import { integerArgument, requestAuthOption } from '../command.js';
import type { Bind } from '../command.js';
import { clusterFileName } from '../config.js';
import { exitStatus, usageError } from '../errors.js';

interface InitOptions {
  readonly replicas: number;
  readonly hosts: string;
  readonly out: string;
  readonly requestAuth?: RequestAuth;
}

function parseHosts(text: string, replicas: number): string[] {
  const hosts = text.split(',').map((host) => host.trim());
  if (hosts.length !== replicas) {
    throw usageError(`--hosts names ${hosts.length} addresses for ${replicas} replicas`, {
      hosts: hosts.length,
      replicas,
    });
  }
  return hosts;
}

export function registerInit(program: Command, bind: Bind): void {
  program
    .command('init')
    .description('make the files of a cluster whose replicas run on machines of their own')
    .requiredOption('--replicas <n>', 'number of replicas: 3f+1, so 4, 7, 10 …', integerArgument(1, 64))
    .requiredOption('--hosts <host:port,…>', 'where each replica listens, replica 0 first')
    .requiredOption('--out <dir>', 'a new directory for cluster file, certificates and keys')
    .addOption(requestAuthOption())
    .addHelpText(
      'after',
      `
Copy ${clusterFileName} and the folder replica-N to the machine of replica N, and start it there:
  $ theodora replica --cluster ${clusterFileName} --id N --data replica-N
Keep the rest of the directory, the certificate authority's key above all, where only the operator gets at it.

Example:
  $ theodora init --replicas 4 --hosts a.example:7000,b.example:7000,c.example:7000,d.example:7000 --out cluster`,
    )
    .action(
      bind<InitOptions>(async ({ output }, _args, options) => {
        const hosts = parseHosts(options.hosts, options.replicas);
        checkDirectoryIsFree(options.out);
        const { createClusterMaterial } = await import('../../crypto/index.js');
        const { files } = await createClusterMaterial({
          hosts,
          now: new Date(),
          settings: options.requestAuth === undefined ? {} : { requestAuth: options.requestAuth },
        });
        const cluster = writeClusterDirectory(options.out, files);
        output.result({ cluster: resolve(cluster) }, () =>
          [
            `cluster of ${hosts.length} replicas: ${cluster}`,
            'next: theodora init --help says what goes where',
          ].join('\n'),
        );
        return exitStatus.ok;
      }),
    );
}
