/**
 * The operations on a tuple space, a command each: parse first, so that a mistake is told without waiting
 * for the service; then one connection, one operation, one answer.
 */
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import type { CasResult, Entry, Space } from '../../client/index.js';
import { integerArgument } from '../command.js';
import type { Bind } from '../command.js';
import type { Context } from '../config.js';
import { exitStatus } from '../errors.js';
import type { ExitStatus } from '../errors.js';
import { idToJson, parseTemplate, parseTuple, tupleToJson } from '../json-tuples.js';
import { toJsonLine } from '../output.js';
import type { Output } from '../output.js';

const limitMax = 2 ** 32 - 1;

async function withSpace(context: Context, act: (space: Space) => Promise<ExitStatus>): Promise<ExitStatus> {
  const { connect } = await import('../../client/index.js');
  const { clusterFile, identity, timeoutMs, space } = context;
  const client = await connect({ cluster: clusterFile, identity, timeoutMs });
  try {
    return await act(client.space(space));
  } finally {
    await client.close();
  }
}

function entryToJson({ id, tuple, owner }: Entry): object {
  return { id: idToJson(id), tuple: tupleToJson(tuple), owner };
}

function entryRow({ id, tuple, owner }: Entry): string[] {
  return [String(id), owner, toJsonLine(tupleToJson(tuple))];
}

const entryHeader = ['id', 'owner', 'tuple'];

function showEntry(output: Output, entry: Entry | null): ExitStatus {
  output.result({ entry: entry === null ? null : entryToJson(entry) }, () =>
    entry === null ? 'no match' : output.table(entryHeader, [entryRow(entry)]),
  );
  return entry === null ? exitStatus.noMatch : exitStatus.ok;
}

function showSwap(output: Output, { inserted, entry }: CasResult): ExitStatus {
  output.result({ inserted, entry: entry === null ? null : entryToJson(entry) }, () => {
    const title = inserted ? 'inserted' : 'not inserted: there is a match';
    return entry === null ? title : `${title}\n${output.table(entryHeader, [entryRow(entry)])}`;
  });
  return inserted ? exitStatus.ok : exitStatus.noMatch;
}

function showEntries(output: Output, entries: readonly Entry[]): ExitStatus {
  output.result({ entries: entries.map(entryToJson) }, () =>
    entries.length === 0 ? 'no match' : output.table(entryHeader, entries.map(entryRow)),
  );
  return entries.length === 0 ? exitStatus.noMatch : exitStatus.ok;
}

const tupleHelp = 'JSON array, such as \'["job", 42, "queued"]\'';
const templateHelp = 'JSON array; null matches anything, {"formal":"int"} any integer';

interface LimitOption {
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

function limitOption(): Option {
  return new Option('--limit <n>', 'at most this many')
    .argParser(integerArgument(0, limitMax))
    .default(0, '0: all');
}

function examples(...lines: readonly string[]): string {
  return ['', 'Examples:', ...lines.map((line) => `  $ theodora ${line}`)].join('\n');
}

function registerInsertion(program: Command, bind: Bind): void {
  program
    .command('out')
    .argument('<tuple>', tupleHelp)
    .description('insert a tuple')
    .addHelpText(
      'after',
      examples('out \'["job", 42, "queued"]\'', 'out \'["reading", {"double":21}, true]\''),
    )
    .action(
      bind((context, [text = '']) => {
        const tuple = parseTuple(text);
        return withSpace(context, async (space) => showEntry(context.output, await space.out(tuple)));
      }),
    );
  program
    .command('cas')
    .argument('<template>', templateHelp)
    .argument('<tuple>', tupleHelp)
    .description('insert a tuple if nothing matches the template')
    .addHelpText('after', examples('cas \'["leader", null]\' \'["leader", "me"]\''))
    .action(
      bind((context, [templateText = '', tupleText = '']) => {
        const template = parseTemplate(templateText);
        const tuple = parseTuple(tupleText);
        return withSpace(context, async (space) =>
          showSwap(context.output, await space.cas(template, tuple)),
        );
      }),
    );
}

function registerSingles(program: Command, bind: Bind): void {
  program
    .command('rdp')
    .argument('<template>', templateHelp)
    .description('read the oldest match')
    .addHelpText('after', examples('rdp \'["job", null, "queued"]\''))
    .action(
      bind((context, [text = '']) => {
        const template = parseTemplate(text);
        return withSpace(context, async (space) => showEntry(context.output, await space.rdp(template)));
      }),
    );
  program
    .command('inp')
    .argument('<template>', templateHelp)
    .description('take the oldest match')
    .addHelpText('after', examples('inp \'["job", {"formal":"int"}, "queued"]\''))
    .action(
      bind((context, [text = '']) => {
        const template = parseTemplate(text);
        return withSpace(context, async (space) => showEntry(context.output, await space.inp(template)));
      }),
    );
  program
    .command('replace')
    .argument('<template>', templateHelp)
    .argument('<tuple>', tupleHelp)
    .description('take the oldest match and insert a tuple, in one step')
    .addHelpText('after', examples('replace \'["job", 42, "queued"]\' \'["job", 42, "done"]\''))
    .action(
      bind((context, [templateText = '', tupleText = '']) => {
        const template = parseTemplate(templateText);
        const tuple = parseTuple(tupleText);
        return withSpace(context, async (space) =>
          showEntry(context.output, await space.replace(template, tuple)),
        );
      }),
    );
}

function registerBulk(program: Command, bind: Bind): void {
  program
    .command('rdall')
    .argument('<template>', templateHelp)
    .addOption(limitOption())
    .option('--after <id>', 'only entries inserted after this one', idArgument)
    .description('read all matches, oldest first')
    .addHelpText('after', examples('rdall \'["job", null, null]\' --limit 100'))
    .action(
      bind<PageOptions>((context, [text = ''], { limit, after = 0n }) => {
        const template = parseTemplate(text);
        return withSpace(context, async (space) =>
          showEntries(context.output, await space.rdAll(template, { limit, after })),
        );
      }),
    );
  program
    .command('inall')
    .argument('<template>', templateHelp)
    .addOption(limitOption())
    .description('take all matches, oldest first')
    .addHelpText('after', examples('inall \'["job", null, "done"]\''))
    .action(
      bind<LimitOption>((context, [text = ''], { limit }) => {
        const template = parseTemplate(text);
        return withSpace(context, async (space) =>
          showEntries(context.output, await space.inAll(template, { limit })),
        );
      }),
    );
  program
    .command('count')
    .argument('<template>', templateHelp)
    .description('count the matches')
    .addHelpText('after', examples('count \'["job", null, "queued"]\''))
    .action(
      bind((context, [text = '']) => {
        const template = parseTemplate(text);
        return withSpace(context, async (space) => {
          const count = await space.count(template);
          context.output.result({ count }, () => String(count));
          return exitStatus.ok;
        });
      }),
    );
}

export function registerSpaceOperations(program: Command, bind: Bind): void {
  registerInsertion(program, bind);
  registerSingles(program, bind);
  registerBulk(program, bind);
}
