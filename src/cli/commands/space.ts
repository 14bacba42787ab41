/**
 * `theodora space …`: ordered administration of spaces. A policy file is compiled and checked here first, so that its
 * author hears of a mistake by line and column; the replicas check the module again.
 */
import type { Command } from 'commander';
import type { SpaceInformation, SpaceListing, SpaceQuota } from '../../client/index.js';
import { integerArgument, namesArgument } from '../command.js';
import type { Bind } from '../command.js';
import type { Context } from '../config.js';
import { formatTime } from '../duration.js';
import { exitStatus } from '../errors.js';
import type { ExitStatus } from '../errors.js';
import type { Output } from '../output.js';
import { examples, listNames, withClient } from './entries.js';

interface CreateOptions {
  readonly policy?: string;
  readonly insert?: readonly string[];
  readonly readers?: readonly string[];
  readonly takers?: readonly string[];
  readonly confidential?: boolean;
  readonly quotaEntries?: number;
  readonly quotaBytes?: number;
  readonly quotaWaits?: number;
  readonly clientQuotaEntries?: number;
  readonly clientQuotaBytes?: number;
  readonly clientQuotaWaits?: number;
}

const noPolicy = 'none';

async function compile(path: string): Promise<string> {
  const { compilePolicy } = await import('../policy-compiler.js');
  return (await compilePolicy(path)).source;
}

interface ShownPolicy {
  readonly digest: string;
  /** Null: this release does not understand the module, though the replicas do. */
  readonly rules: readonly string[] | null;
}

async function shownPolicy({ policy, policyDigest }: SpaceInformation): Promise<ShownPolicy | null> {
  if (policyDigest === null) return null;
  const { checkPolicy } = await import('../../policy/index.js');
  const check = policy === null ? null : checkPolicy(policy);
  return { digest: policyDigest, rules: check?.ok === true ? check.rules : null };
}

function spaceToJson(space: SpaceInformation, policy: ShownPolicy | null): object {
  const { name, insert, readers, takers, confidential, quota, clientQuota, changes } = space;
  const { entries, bytes, waits, subscriptions } = space;
  const used = { entries, bytes, waits, subscriptions };
  const access = { insert, readers, takers, confidential };
  return { space: { name, ...access, quota, clientQuota, policy, ...used, changes } };
}

function listingToJson({ name, entries, policyDigest, confidential }: SpaceListing): object {
  const policy = policyDigest === null ? null : { digest: policyDigest };
  return { space: { name, entries, policy, confidential } };
}

function quotaText(quota: SpaceQuota): string {
  const bounds = Object.entries(quota).flatMap(([what, bound]) =>
    bound === null ? [] : [`${bound} ${what}`],
  );
  return bounds.join(', ') || 'none';
}

function spaceText(output: Output, space: SpaceInformation, policy: ShownPolicy | null): string {
  const names = (list: readonly string[] | null): string =>
    list === null ? 'every client' : listNames(list);
  const { entries, bytes, waits, subscriptions } = space;
  const size = bytes === null ? '' : ` of ${bytes} bytes`;
  const lines: readonly (readonly [string, string])[] = [
    ['insert', names(space.insert)],
    ['readers', names(space.readers)],
    ['takers', names(space.takers)],
    ['tuples', space.confidential ? 'confidential' : 'in the clear'],
    ['quota', quotaText(space.quota)],
    ['per client', quotaText(space.clientQuota)],
    ['in it', `${entries} entries${size}, ${waits} waits, ${subscriptions} subscriptions`],
    ['policy', policy?.digest ?? 'none'],
    ...(policy === null ? [] : [['rules', policy.rules?.join(', ') ?? 'unknown to this release'] as const]),
    ...space.changes.map(
      ({ time, by, digest }, index) =>
        [index === 0 ? 'changes' : '', `${formatTime(time)}  ${by}  ${digest ?? 'no policy'}`] as const,
    ),
  ];
  const text = lines.map(([title, value]) => `${title.padEnd(10)}  ${value}`);
  return [`${output.style('bold', 'space'.padEnd(10))}  ${space.name}`, ...text].join('\n');
}

async function showSpace({ output }: Context, space: SpaceInformation): Promise<ExitStatus> {
  const policy = await shownPolicy(space);
  output.result(spaceToJson(space, policy), () => spaceText(output, space, policy));
  return exitStatus.ok;
}

const boundArgument = integerArgument(0, Number.MAX_SAFE_INTEGER);

function registerCreate(space: Command, bind: Bind): void {
  space
    .command('create')
    .argument('<name>', 'letters, digits, ".", "_" and "-"')
    .option('--policy <file>', 'TypeScript file with the rules (default: what the lists allow)')
    .option('--insert <names>', 'who alone may insert (default: every client)', namesArgument)
    .option('--readers <names>', 'who alone may read (default: every client)', namesArgument)
    .option('--takers <names>', 'who alone may take (default: every client)', namesArgument)
    .option('--confidential', 'let replicas see fingerprints of tuples only')
    .option('--quota-entries <n>', 'at most so many entries', boundArgument)
    .option('--quota-bytes <n>', 'at most so many bytes of tuples', boundArgument)
    .option('--quota-waits <n>', 'at most so many operations that wait', boundArgument)
    .option('--client-quota-entries <n>', 'as --quota-entries, of each client', boundArgument)
    .option('--client-quota-bytes <n>', 'as --quota-bytes, of each client', boundArgument)
    .option('--client-quota-waits <n>', 'as --quota-waits, of each client', boundArgument)
    .description('create a space')
    .addHelpText(
      'after',
      examples(
        'space create jobs --insert alice,bob --quota-entries 1000',
        'space create locks --policy policy/lock.ts',
        'space create vault --confidential --insert alice --readers bob --takers bob',
        '--space locks rdall \'["lock", null, null]\'',
      ),
    )
    .action(
      bind<CreateOptions>(async (context, [name = ''], options) => {
        const { insert, readers, takers, confidential } = options;
        const policy = options.policy === undefined ? null : await compile(options.policy);
        const quota = {
          entries: options.quotaEntries ?? null,
          bytes: options.quotaBytes ?? null,
          waits: options.quotaWaits ?? null,
        };
        const clientQuota = {
          entries: options.clientQuotaEntries ?? null,
          bytes: options.clientQuotaBytes ?? null,
          waits: options.clientQuotaWaits ?? null,
        };
        const configuration = { insert, readers, takers, confidential, quota, clientQuota, policy };
        return withClient(context, async ({ admin }) =>
          showSpace(context, await admin.createSpace(name, configuration)),
        );
      }),
    );
}

function registerList(space: Command, bind: Bind): void {
  space
    .command('list')
    .description('list the spaces')
    .action(
      bind((context) =>
        withClient(context, async ({ admin }) => {
          const { output } = context;
          const spaces = await admin.spaces();
          for (const one of spaces) output.record(listingToJson(one));
          output.say(
            output.table(
              ['space', 'entries', 'tuples', 'policy'],
              spaces.map(({ name, entries, policyDigest, confidential }) => [
                name,
                String(entries),
                confidential ? 'confidential' : 'in the clear',
                policyDigest ?? 'none',
              ]),
            ),
          );
          return exitStatus.ok;
        }),
      ),
    );
}

function registerShow(space: Command, bind: Bind): void {
  space
    .command('show')
    .argument('<name>', 'a space')
    .description('show lists, quotas and policy of a space, and what is in it')
    .action(
      bind((context, [name = '']) =>
        withClient(context, async ({ admin }) => showSpace(context, await admin.describeSpace(name))),
      ),
    );
}

function registerSetPolicy(space: Command, bind: Bind): void {
  space
    .command('set-policy')
    .argument('<name>', 'a space')
    .argument('<file>', `TypeScript file with the rules, or "${noPolicy}"`)
    .description('give a space another policy; waits and subscriptions that it denies end')
    .addHelpText(
      'after',
      examples('space set-policy locks policy/lock.ts', `space set-policy locks ${noPolicy}`),
    )
    .action(
      bind(async (context, [name = '', file = '']) => {
        const policy = file === noPolicy ? null : await compile(file);
        return withClient(context, async ({ admin }) =>
          showSpace(context, await admin.setPolicy(name, policy)),
        );
      }),
    );
}

function registerDelete(space: Command, bind: Bind): void {
  space
    .command('delete')
    .argument('<name>', 'a space')
    .description('delete a space and all that is in it')
    .action(
      bind((context, [name = '']) =>
        withClient(context, async ({ admin }) => {
          const deleted = await admin.deleteSpace(name);
          context.output.result(
            spaceToJson(deleted, await shownPolicy(deleted)),
            () => `space ${name} deleted, and ${deleted.entries} entries with it`,
          );
          return exitStatus.ok;
        }),
      ),
    );
}

export function registerSpace(program: Command, bind: Bind): void {
  const space = program.command('space').description('spaces: lists, quotas and policies (for the admin)');
  registerCreate(space, bind);
  registerList(space, bind);
  registerShow(space, bind);
  registerSetPolicy(space, bind);
  registerDelete(space, bind);
}
