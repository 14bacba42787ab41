/**
 * The operations on a tuple space, a command each: parse first, so that a mistake is told without waiting
 * for the service; then one connection, one operation, one answer.
 */
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import type { CasResult, Entry } from '../../client/index.js';
import { durationArgument, integerArgument, namesArgument, protectOption } from '../command.js';
import type { ProtectOption } from '../command.js';
import type { Bind } from '../command.js';
import { parseDuration } from '../duration.js';
import { exitStatus } from '../errors.js';
import type { ExitStatus } from '../errors.js';
import { parseTemplate, parseTuple } from '../json-tuples.js';
import type { Output } from '../output.js';
import { entryTable, entryToJson, examples, showEntry, templateHelp, withSpace } from './entries.js';

const limitMax = 2 ** 32 - 1;

function showSwap(output: Output, { inserted, entry }: CasResult): ExitStatus {
  output.result({ inserted, entry: entry === null ? null : entryToJson(entry) }, () => {
    const title = inserted ? 'inserted' : 'not inserted: there is a match';
    return entry === null ? title : `${title}\n${entryTable(output, [entry])}`;
  });
  return inserted ? exitStatus.ok : exitStatus.noMatch;
}

function showEntries(output: Output, entries: readonly Entry[]): ExitStatus {
  output.result({ entries: entries.map(entryToJson) }, () =>
    entries.length === 0 ? 'no match' : entryTable(output, entries),
  );
  return entries.length === 0 ? exitStatus.noMatch : exitStatus.ok;
}

const tupleHelp = 'JSON array, such as \'["job", 42, "queued"]\'';

interface InsertOptions extends ProtectOption {
  readonly lease?: number;
  readonly readers?: readonly string[];
  readonly takers?: readonly string[];
}

interface LimitOption extends ProtectOption {
  readonly limit: number;
}

interface PageOptions extends LimitOption {
  readonly after?: bigint;
}

/** Ids are 64 bit; one that no entry has is no mistake. */
function idArgument(text: string): bigint {
  if (/^[0-9]+$/.test(text) && BigInt(text) < 2n ** 63n) return BigInt(text);
  throw new InvalidArgumentError('It must be the id of an entry, a positive integer.');
}

/** The options of a command that inserts. */
function inserting(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--lease <duration>',
        'the entry ends after this, such as 5s (default: it stays until taken)',
      ).argParser(durationArgument),
    )
    .option('--readers <names>', 'who alone may read it (default: whoever may in the space)', namesArgument)
    .option('--takers <names>', 'who alone may take it (default: whoever may in the space)', namesArgument)
    .addOption(protectOption());
}

function limitOption(): Option {
  return new Option('--limit <n>', 'at most this many')
    .argParser(integerArgument(0, limitMax))
    .default(0, '0: all');
}

function registerInsertion(program: Command, bind: Bind): void {
  inserting(program.command('out'))
    .argument('<tuple>', tupleHelp)
    .description('insert a tuple')
    .addHelpText(
      'after',
      examples(
        'out \'["job", 42, "queued"]\'',
        'out \'["reading", {"double":21}, true]\'',
        'out \'["alive", "worker-7"]\' --lease 30s',
        'out \'["for bob"]\' --readers bob --takers bob',
        '--space vault out \'["password", "db", "xyz"]\' --protect public,comparable,private',
      ),
    )
    .action(
      bind<InsertOptions>((context, [text = ''], { lease, readers, takers, protect }) => {
        const tuple = parseTuple(text);
        return withSpace(context, async (space) =>
          showEntry(context.output, await space.out(tuple, { lease, readers, takers, protect })),
        );
      }),
    );
  inserting(program.command('cas'))
    .argument('<template>', templateHelp)
    .argument('<tuple>', tupleHelp)
    .description('insert a tuple if nothing matches the template')
    .addHelpText(
      'after',
      examples(
        'cas \'["leader", null]\' \'["leader", "me"]\'',
        'cas \'["leader", null]\' \'["leader", "me"]\' --lease 10s',
      ),
    )
    .action(
      bind<InsertOptions>(
        (context, [templateText = '', tupleText = ''], { lease, readers, takers, protect }) => {
          const template = parseTemplate(templateText);
          const tuple = parseTuple(tupleText);
          return withSpace(context, async (space) =>
            showSwap(context.output, await space.cas(template, tuple, { lease, readers, takers, protect })),
          );
        },
      ),
    );
}

function registerSingles(program: Command, bind: Bind): void {
  program
    .command('rdp')
    .argument('<template>', templateHelp)
    .addOption(protectOption())
    .description('read the oldest match')
    .addHelpText('after', examples('rdp \'["job", null, "queued"]\''))
    .action(
      bind<ProtectOption>((context, [text = ''], { protect }) => {
        const template = parseTemplate(text);
        return withSpace(context, async (space) =>
          showEntry(context.output, await space.rdp(template, { protect })),
        );
      }),
    );
  program
    .command('inp')
    .argument('<template>', templateHelp)
    .addOption(protectOption())
    .description('take the oldest match')
    .addHelpText('after', examples('inp \'["job", {"formal":"int"}, "queued"]\''))
    .action(
      bind<ProtectOption>((context, [text = ''], { protect }) => {
        const template = parseTemplate(text);
        return withSpace(context, async (space) =>
          showEntry(context.output, await space.inp(template, { protect })),
        );
      }),
    );
  inserting(program.command('replace'))
    .argument('<template>', templateHelp)
    .argument('<tuple>', tupleHelp)
    .description('take the oldest match and insert a tuple, in one step')
    .addHelpText('after', examples('replace \'["job", 42, "queued"]\' \'["job", 42, "done"]\''))
    .action(
      bind<InsertOptions>(
        (context, [templateText = '', tupleText = ''], { lease, readers, takers, protect }) => {
          const template = parseTemplate(templateText);
          const tuple = parseTuple(tupleText);
          return withSpace(context, async (space) =>
            showEntry(
              context.output,
              await space.replace(template, tuple, { lease, readers, takers, protect }),
            ),
          );
        },
      ),
    );
}

function registerRenew(program: Command, bind: Bind): void {
  program
    .command('renew')
    .argument('<template>', templateHelp)
    .argument('<lease>', 'how long the entry is to live from now on, such as 5s', durationArgument)
    .addOption(protectOption())
    .description('renew the lease of the oldest match that has one and is yours')
    .addHelpText('after', examples('renew \'["leader", "me"]\' 10s'))
    .action(
      bind<ProtectOption>((context, [text = '', leaseText = ''], { protect }) => {
        const template = parseTemplate(text);
        const lease = parseDuration(leaseText);
        return withSpace(context, async (space) => {
          const entry = await space.renew(template, lease, { protect });
          return showEntry(context.output, entry, 'nothing to renew');
        });
      }),
    );
}

function registerBulk(program: Command, bind: Bind): void {
  program
    .command('rdall')
    .argument('<template>', templateHelp)
    .addOption(limitOption())
    .addOption(protectOption())
    .option('--after <id>', 'only entries inserted after this one', idArgument)
    .description('read all matches, oldest first')
    .addHelpText('after', examples('rdall \'["job", null, null]\' --limit 100'))
    .action(
      bind<PageOptions>((context, [text = ''], { limit, after = 0n, protect }) => {
        const template = parseTemplate(text);
        return withSpace(context, async (space) =>
          showEntries(context.output, await space.rdAll(template, { limit, after, protect })),
        );
      }),
    );
  program
    .command('inall')
    .argument('<template>', templateHelp)
    .addOption(limitOption())
    .addOption(protectOption())
    .description('take all matches, oldest first')
    .addHelpText('after', examples('inall \'["job", null, "done"]\''))
    .action(
      bind<LimitOption>((context, [text = ''], { limit, protect }) => {
        const template = parseTemplate(text);
        return withSpace(context, async (space) =>
          showEntries(context.output, await space.inAll(template, { limit, protect })),
        );
      }),
    );
  program
    .command('count')
    .argument('<template>', templateHelp)
    .addOption(protectOption())
    .description('count the matches')
    .addHelpText('after', examples('count \'["job", null, "queued"]\''))
    .action(
      bind<ProtectOption>((context, [text = ''], { protect }) => {
        const template = parseTemplate(text);
        return withSpace(context, async (space) => {
          const count = await space.count(template, { protect });
          context.output.result({ count }, () => String(count));
          return exitStatus.ok;
        });
      }),
    );
}

export function registerSpaceOperations(program: Command, bind: Bind): void {
  registerInsertion(program, bind);
  registerSingles(program, bind);
  registerRenew(program, bind);
  registerBulk(program, bind);
}
