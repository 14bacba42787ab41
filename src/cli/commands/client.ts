/**
 * `theodora client …`: who may use the service. An identity is a key made here and an entry of the cluster
 * file; running replicas read the file again. Needs the certificate authority's key, so only the operator can.
 */
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { readClusterText } from '../cluster-directory.js';
import type { Bind } from '../command.js';
import { exitStatus } from '../errors.js';

export function registerClient(program: Command, bind: Bind): void {
  const client = program.command('client').description('client identities');
  client
    .command('add')
    .argument('<name>', 'letters, digits, ".", "_" and "-"')
    .description('make a client identity and register it in the cluster file')
    .addHelpText(
      'after',
      '\nExample:\n  $ theodora client add alice\n  $ theodora --as alice out \'["hello"]\'',
    )
    .action(
      bind(async ({ output, clusterFile }, [name = '']) => {
        const { registerClientIdentity } = await import('../registration.js');
        const key = await registerClientIdentity(clusterFile, name);
        output.result({ client: name, key }, () =>
          [
            `client ${name} registered, public key ${key}`,
            `its keys: ${join(dirname(clusterFile), 'clients', name)} (for its owner only)`,
            'Replicas that use this cluster file notice by themselves; copy it to those on other machines.',
          ].join('\n'),
        );
        return exitStatus.ok;
      }),
    );
  client
    .command('list')
    .description('list the registered clients')
    .action(
      bind(async ({ output, clusterFile }) => {
        const { parseClusterFile } = await import('../../crypto/index.js');
        const { clients } = parseClusterFile(readClusterText(clusterFile), clusterFile);
        for (const { name, publicKey } of clients) output.record({ client: name, key: publicKey });
        output.say(
          output.table(
            ['client', 'public key'],
            clients.map(({ name, publicKey }) => [name, publicKey]),
          ),
        );
        return exitStatus.ok;
      }),
    );
}
