/**
 * Commands that go on until something happens: `rd` and `in` wait at the replicas, `subscribe` prints events until it is
 * stopped. Ctrl-C cancels in order: an entry that was taken before the cancel is printed, not lost.
 */
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { exitStatus } from '../errors.js';
import type { ExitStatus } from '../errors.js';
import type { Entry, Space, SpaceEvent } from '../../client/index.js';
import { durationArgument, integerArgument, protectOption } from '../command.js';
import type { Bind, ProtectOption } from '../command.js';
import { parseTemplate, tupleToJson } from '../json-tuples.js';
import { toJsonLine } from '../output.js';
import type { Output } from '../output.js';
import { untilStopped } from '../signals.js';
import { entryToJson, examples, showEntry, templateHelp, withSpace } from './entries.js';

interface WaitOptions extends ProtectOption {
  readonly wait?: number;
}

interface SubscribeOptions extends ProtectOption {
  readonly from?: number;
  readonly limit?: number;
}

function sequenceArgument(text: string): number {
  const value = Number(text);
  if (/^[0-9]+$/.test(text) && Number.isSafeInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError('It must be the sequence number of an event, a positive integer.');
}

function registerWait(program: Command, bind: Bind, name: 'rd' | 'in', what: string): void {
  program
    .command(name)
    .argument('<template>', templateHelp)
    .option(
      '--wait <duration>',
      'wait no longer than this, such as 5s (default: until a match)',
      durationArgument,
    )
    .addOption(protectOption())
    .description(`${what} the oldest match; wait until there is one`)
    .addHelpText(
      'after',
      examples(`${name} '["job", null, "queued"]'`, `${name} '["job", null, "queued"]' --wait 5s`),
    )
    .action(
      bind<WaitOptions>((context, [text = ''], { wait, protect }) => {
        const template = parseTemplate(text);
        return withSpace(context, async (space) => {
          const entry = await untilStopped(
            (signal) => space[name](template, { timeout: wait, signal, protect }),
            null,
          );
          return showEntry(context.output, entry);
        });
      }),
    );
}

function showEvent(output: Output, { kind, sequence, entry }: SpaceEvent<Entry>): void {
  output.result({ event: kind, sequence, entry: entryToJson(entry) }, () =>
    [
      String(sequence).padStart(6),
      kind.padEnd(8),
      `#${entry.id}`,
      entry.owner,
      toJsonLine(tupleToJson(entry.tuple)),
    ].join('  '),
  );
}

async function printEvents(
  output: Output,
  space: Space,
  template: Parameters<Space['subscribe']>[0],
  { from, limit = Infinity, protect }: SubscribeOptions,
): Promise<ExitStatus> {
  let left = limit;
  return untilStopped<ExitStatus>(async (signal) => {
    for await (const event of space.subscribe(template, { from, signal, protect })) {
      showEvent(output, event);
      if (--left === 0) break;
    }
    return exitStatus.ok;
  }, exitStatus.ok);
}

export function registerWaiting(program: Command, bind: Bind): void {
  registerWait(program, bind, 'rd', 'read');
  registerWait(program, bind, 'in', 'take');
  program
    .command('subscribe')
    .argument('<template>', templateHelp)
    .option('--from <sequence>', 'from this event on (default: from now on)', sequenceArgument)
    .option('--limit <n>', 'stop after so many (default: until Ctrl-C)', integerArgument(1, 2 ** 32 - 1))
    .addOption(protectOption())
    .description('print what happens to matching entries, until stopped')
    .addHelpText(
      'after',
      examples('subscribe \'["job", null, null]\'', 'subscribe \'["job", null, null]\' --from 17 --json'),
    )
    .action(
      bind<SubscribeOptions>((context, [text = ''], options) => {
        const template = parseTemplate(text);
        return withSpace(context, (space) => printEvents(context.output, space, template, options));
      }),
    );
}
