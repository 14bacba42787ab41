/**
 * `theodora client …`: who may use the service. A client is a key made here and registered under its name by an ordered
 * operation of the admin. Making one also takes the certificate authority's key, so only the operator can.
 */
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import type { RegisteredClient } from '../../client/index.js';
import type { Bind } from '../command.js';
import { formatTime } from '../duration.js';
import { exitStatus } from '../errors.js';
import { idToJson } from '../json-tuples.js';
import type { Output } from '../output.js';
import { examples, withClient } from './entries.js';

function clientToJson(client: RegisteredClient): object {
  const { name, publicKey, addedAt, revokedAt, blacklisted, forgedRepairs } = client;
  const shown = blacklisted === null ? null : { ...blacklisted, entry: idToJson(blacklisted.entry) };
  return {
    client: name,
    key: publicKey,
    added: addedAt,
    revoked: revokedAt,
    blacklisted: shown,
    forgedRepairs,
  };
}

function blacklistingText({ blacklisted }: RegisteredClient): string {
  if (blacklisted === null) return '';
  const { time, space, entry } = blacklisted;
  return `${formatTime(time)}: entry ${entry} of ${space}`;
}

function clientTable(output: Output, clients: readonly RegisteredClient[]): string {
  const isOneBlacklisted = clients.some(({ blacklisted }) => blacklisted !== null);
  const isOneForger = clients.some(({ forgedRepairs }) => forgedRepairs > 0);
  return output.table(
    [
      ...['client', 'public key', 'added', 'revoked'],
      ...(isOneBlacklisted ? ['blacklisted'] : []),
      ...(isOneForger ? ['forged repairs'] : []),
    ],
    clients.map((client) => [
      client.name,
      client.publicKey,
      client.addedAt === null ? 'from the start' : formatTime(client.addedAt),
      client.revokedAt === null ? '' : formatTime(client.revokedAt),
      ...(isOneBlacklisted ? [blacklistingText(client)] : []),
      ...(isOneForger ? [String(client.forgedRepairs)] : []),
    ]),
  );
}

interface AddOptions {
  readonly key?: string;
}

function keyArgument(text: string): string {
  if (/^[0-9a-f]{64}$/.test(text)) return text;
  throw new InvalidArgumentError('It must be a public key: 64 hexadecimal digits.');
}

function registerAdd(client: Command, bind: Bind): void {
  client
    .command('add')
    .argument('<name>', 'letters, digits, ".", "_" and "-"')
    .option('--key <key>', 'register this public key (default: make new keys)', keyArgument)
    .description('make a client identity and register it')
    .addHelpText('after', examples('client add alice', '--as alice out \'["hello"]\''))
    .action(
      bind<AddOptions>(async (context, [name = ''], { key }) => {
        const { prepareClient } = await import('../registration.js');
        const made = key === undefined ? await prepareClient(context.clusterFile, name) : null;
        return withClient(context, async ({ admin }) => {
          const { publicKey } = await (made?.register(admin) ?? admin.addClient(name, key!));
          context.output.result({ client: name, key: publicKey }, () => {
            const registered = `client ${name} registered, public key ${publicKey}`;
            if (made === null) return registered;
            return `${registered}\nits keys: ${made.directory} (for its owner only, beside a copy of the cluster file)`;
          });
          return exitStatus.ok;
        });
      }),
    );
}

function registerRevoke(client: Command, bind: Bind): void {
  client
    .command('revoke')
    .argument('<name>', 'a registered client')
    .description('take a client the right to use the service, for good; its entries stay')
    .addHelpText('after', examples('client revoke alice'))
    .action(
      bind((context, [name = '']) =>
        withClient(context, async ({ admin }) => {
          const revoked = await admin.revokeClient(name);
          context.output.result(
            clientToJson(revoked),
            () => `client ${name} revoked: its sessions have ended, and its name is never given again`,
          );
          return exitStatus.ok;
        }),
      ),
    );
}

function registerPardon(client: Command, bind: Bind): void {
  client
    .command('pardon')
    .argument('<name>', 'a registered client')
    .description('lift the blacklisting of a client whose confidential tuple was no good')
    .addHelpText('after', examples('client pardon alice'))
    .action(
      bind((context, [name = '']) =>
        withClient(context, async ({ admin }) => {
          const pardoned = await admin.pardonClient(name);
          context.output.result(
            clientToJson(pardoned),
            () => `client ${name} is not blacklisted; it may use the service unless it has been revoked`,
          );
          return exitStatus.ok;
        }),
      ),
    );
}

function registerList(client: Command, bind: Bind): void {
  client
    .command('list')
    .description('list the clients, those revoked and blacklisted included')
    .action(
      bind((context) =>
        withClient(context, async ({ admin }) => {
          const clients = await admin.clients();
          for (const one of clients) context.output.record(clientToJson(one));
          context.output.say(clientTable(context.output, clients));
          return exitStatus.ok;
        }),
      ),
    );
}

export function registerClient(program: Command, bind: Bind): void {
  const client = program.command('client').description('who may use the service (for the admin)');
  registerAdd(client, bind);
  registerRevoke(client, bind);
  registerPardon(client, bind);
  registerList(client, bind);
}
