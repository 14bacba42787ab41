/**
 * `theodora red …`: which replica of a database is the writer (src/red). `init` makes the space in which coordinators meet,
 * `coordinator` and `postgres` (files of their own) run beside one database replica, `writer` and `status` only read.
 */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { RefusedError } from '../../base/index.js';
import type { Administration, Space } from '../../client/index.js';
import type { MemberOverview, Overview, Writer } from '../../red/index.js';
import { durationArgument, namesArgument } from '../command.js';
import type { Bind } from '../command.js';
import type { Context } from '../config.js';
import { formatDeadline } from '../duration.js';
import { exitStatus } from '../errors.js';
import type { ExitStatus } from '../errors.js';
import { idToJson } from '../json-tuples.js';
import { toPrintable } from '../output.js';
import type { Output } from '../output.js';
import type { NewClient } from '../registration.js';
import { untilStopped } from '../signals.js';
import { examples, withClient } from './entries.js';
import { registerCoordinator } from './red-coordinator.js';
import { registerRedDemo } from './red-demo.js';
import { registerPostgres } from './red-postgres.js';
import { redSpace, withRedSpace } from './red-space.js';

/** Beside src/ in a checkout, beside dist/ in the package. */
const policyFile = fileURLToPath(new URL('../../../policy/red.ts', import.meta.url));

interface InitOptions {
  readonly members?: readonly string[];
}

interface WriterOptions {
  readonly wait?: number;
}

/** Of those that are not registered yet; nothing is done before all could be made. */
async function prepareMembers(
  clusterFile: string,
  admin: Administration,
  members: readonly string[],
): Promise<ReadonlyMap<string, NewClient>> {
  const { prepareClient } = await import('../registration.js');
  const clients = await admin.clients();
  const known = new Set(clients.filter(({ revokedAt }) => revokedAt === null).map(({ name }) => name));
  const made = new Map<string, NewClient>();
  for (const name of members) if (!known.has(name)) made.set(name, await prepareClient(clusterFile, name));
  return made;
}

async function checkSpaceIsNew(admin: Administration, name: string): Promise<void> {
  const spaces = await admin.spaces();
  if (!spaces.some((space) => space.name === name)) return;
  const message = `there is a space ${name} already: use it, give another with --space, or delete it with \`theodora space delete ${name}\`.`;
  throw new RefusedError('SPACE_EXISTS', message, { space: name });
}

function initText(name: string, members: readonly string[] | null, made: readonly NewClient[]): string {
  const who = members === null ? 'every client' : members.join(', ');
  const cluster = made[0] === undefined ? null : dirname(made[0].directory);
  return [
    `space ${name} created, with the policy of ReD; coordinators in it: ${who}`,
    ...(cluster === null ? [] : [`keys of those: ${cluster} (for each coordinator its own folder only)`]),
    `Then, beside each replica of the database:`,
    `  theodora red coordinator --id ${members?.[0] ?? 'r1'} --listen 127.0.0.1:7501`,
  ].join('\n');
}

async function init(context: Context, { members: named }: InitOptions): Promise<ExitStatus> {
  const { clusterFile, output } = context;
  const name = redSpace(context);
  const members = named === undefined ? null : [...new Set(named)];
  const { compilePolicy } = await import('../policy-compiler.js');
  const { source } = await compilePolicy(policyFile);
  return withClient(context, async ({ admin }) => {
    await checkSpaceIsNew(admin, name);
    const made = await prepareMembers(clusterFile, admin, members ?? []);
    for (const client of made.values()) await client.register(admin);
    const { policyDigest } = await admin.createSpace(name, { insert: members, policy: source });
    output.result({ space: name, policy: { digest: policyDigest }, members, added: [...made.keys()] }, () =>
      initText(name, members, [...made.values()]),
    );
    return exitStatus.ok;
  });
}

function registerInit(red: Command, bind: Bind): void {
  red
    .command('init')
    .description('create the space in which coordinators meet, with the policy of ReD (as admin)')
    .option(
      '--members <ids>',
      'who alone may coordinate: names of clients, which are added if they are new (default: every client)',
      namesArgument,
    )
    .addHelpText('after', examples('red init', 'red init --members r1,r2,r3', 'red init --space orders'))
    .action(bind<InitOptions>((context, _args, options) => init(context, options)));
}

function writerText(output: Output, { id, address, token }: Writer): string {
  return output.table(
    ['writer', 'address', 'fencing token'],
    [[toPrintable(id), toPrintable(address ?? 'not known'), String(token)]],
  );
}

function showWriter(output: Output, writer: Writer | null): ExitStatus {
  const shown = writer === null ? null : { ...writer, token: idToJson(writer.token) };
  output.result({ writer: shown }, () =>
    writer === null ? 'there is no writer' : writerText(output, writer),
  );
  return writer === null ? exitStatus.noMatch : exitStatus.ok;
}

function registerWriter(red: Command, bind: Bind): void {
  red
    .command('writer')
    .description(
      'who the writer is: id, address of its database, fencing token; exit status 1 if there is none',
    )
    .option(
      '--wait <duration>',
      'wait until there is one, no longer than this, such as 30s',
      durationArgument,
    )
    .addHelpText('after', examples('red writer', 'red writer --wait 30s --json'))
    .action(
      bind<WriterOptions>((context, _args, { wait }) =>
        withRedSpace(context, async (space: Space) => {
          const { awaitWriter, readWriter } = await import('../../red/index.js');
          const writer =
            wait === undefined
              ? await readWriter(space)
              : await untilStopped((signal) => awaitWriter(space, { timeout: wait, signal }), null);
          return showWriter(context.output, writer);
        }),
      ),
    );
}

function overviewToJson({ members, sync }: Overview): object {
  return {
    members: members.map(({ token, ...member }) => ({
      ...member,
      token: token === null ? null : idToJson(token),
    })),
    sync,
  };
}

/** Deadlines are relative to this machine's clock, so for people only. */
function memberRow(member: MemberOverview, sync: Overview['sync'], nowMs: number): string[] {
  const { id, role, deadline, address, token, isInSync, lagBytes } = member;
  return [
    toPrintable(id),
    role,
    deadline === null ? '' : formatDeadline(deadline - nowMs),
    toPrintable(address ?? ''),
    token === null ? '' : String(token),
    ...(sync === null ? [] : [isInSync ? 'yes' : 'no', lagBytes === null ? '' : `${lagBytes} B`]),
  ];
}

function overviewText(output: Output, { members, sync }: Overview): string {
  if (members.length === 0) return 'no coordinator has been here';
  const header = ['id', 'role', 'lease ends', 'address', 'fencing token'];
  const nowMs = Date.now();
  return output.table(
    [...header, ...(sync === null ? [] : ['in sync', 'lag'])],
    members.map((member) => memberRow(member, sync, nowMs)),
  );
}

function registerStatus(red: Command, bind: Bind): void {
  red
    .command('status')
    .description('what each replica of the database is')
    .addHelpText(
      'after',
      `
role: stopped, copier, writer, or absent if it is known and has no lease; lease ends: unless it is renewed; in sync: on
record to hold every acknowledged commit, so that it may become the writer; lag: how much of the writer's log is not on its
disk yet, as the writer said last. Both are shown once anything is on record.
${examples('red status', 'red status --json')}`,
    )
    .action(
      bind((context) =>
        withRedSpace(context, async (space) => {
          const { readOverview } = await import('../../red/index.js');
          const overview = await readOverview(space);
          context.output.result(overviewToJson(overview), () => overviewText(context.output, overview));
          return exitStatus.ok;
        }),
      ),
    );
}

export function registerRed(program: Command, bind: Bind): void {
  const red = program.command('red').description('which replica of a database is the writer (ReD)');
  registerInit(red, bind);
  registerCoordinator(red, bind);
  registerPostgres(red, bind);
  registerWriter(red, bind);
  registerStatus(red, bind);
  registerRedDemo(red, bind);
}
