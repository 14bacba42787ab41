/** `theodora red coordinator`: the coordinator of one database replica, in the foreground. */
import { Option } from 'commander';
import type { Command } from 'commander';
import { TheodoraError } from '../../base/index.js';
import type { Space } from '../../client/index.js';
import type { CoordinatorSettings, ListenerEvent, Role, RunnerEvent } from '../../red/index.js';
import { readClusterText } from '../cluster-directory.js';
import { durationArgument, supervisedOption } from '../command.js';
import type { Bind } from '../command.js';
import type { Context } from '../config.js';
import { exitStatus } from '../errors.js';
import type { ExitStatus } from '../errors.js';
import { idToJson } from '../json-tuples.js';
import { toJsonLine, toPrintable } from '../output.js';
import type { Output } from '../output.js';
import { onStopRequest } from '../signals.js';
import { examples } from './entries.js';
import { idArgument, listenArgument, type ListenAddress } from './red-arguments.js';
import { withRedSpace } from './red-space.js';

interface CoordinatorOptions {
  readonly id: string;
  readonly listen: ListenAddress;
  readonly lease?: number;
  readonly election: 'race' | 'lowest';
  readonly supervised?: boolean;
}

const roleTexts: Readonly<Record<Role, string>> = {
  absent: 'not connected, or no part of the database any more',
  stopped: 'stopped, and wants to be a copier',
  copier: 'a copier',
  writer: 'the writer',
  steppingDown: 'the writer no more, and is told to stop',
};

type Event = RunnerEvent | ListenerEvent;
type Problem = Exclude<Event, { readonly kind: 'role' }>;

const problemTexts: Readonly<Record<Problem['kind'], string>> = {
  hangUp: 'the connection of its replica was ended',
  malformed: 'its replica said something that is no message',
  turnedAway: 'somebody else connected, and was turned away',
  refused: 'refused by the service',
  failed: 'failed',
};

interface ProblemRecord {
  readonly event: Problem['kind'];
  readonly what?: string;
  readonly code: string;
  readonly message?: string;
}

function problemRecord(problem: Problem): ProblemRecord {
  if ('code' in problem) return { event: problem.kind, code: problem.code };
  const { kind, what, error } = problem;
  const code = error instanceof TheodoraError ? error.code : 'INTERNAL';
  return { event: kind, what, code, message: error instanceof Error ? error.message : String(error) };
}

/** A printer of what happens. The same problem again, with nothing between, is tried again and not said again. */
function eventPrinter(output: Output, id: string): (event: Event) => void {
  let last = '';
  return (event) => {
    if (event.kind === 'role') {
      last = '';
      showRole(output, id, event);
      return;
    }
    const record = problemRecord(event);
    const line = toJsonLine(record);
    if (line === last) return;
    last = line;
    const { code, message } = record;
    const detail = message === undefined ? '' : `: ${toPrintable(message)}`;
    const text = output.style('yellow', problemTexts[event.kind]);
    output.result(record, () => `${id}: ${text}${detail} [${code}]`);
  };
}

function showRole(
  output: Output,
  id: string,
  { role, token }: Extract<Event, { readonly kind: 'role' }>,
): void {
  const shown = token === null ? null : idToJson(token);
  output.result({ event: 'role', role, token: shown }, () => {
    const fenced = role === 'writer' && token !== null ? `, fencing token ${token}` : '';
    return `${id} is ${output.style('bold', roleTexts[role])}${fenced}`;
  });
}

async function settingsOf(
  { clusterFile }: Context,
  options: CoordinatorOptions,
): Promise<CoordinatorSettings> {
  const { parseClusterFile } = await import('../../crypto/index.js');
  const { defaultClientSettings } = await import('../../client/index.js');
  const { checkCoordinatorLease, coordinatorSettings, defaultLeaseMs } = await import('../../red/index.js');
  const { settings } = parseClusterFile(readClusterText(clusterFile), clusterFile);
  const clockSkewMaxMs = settings.clockSkewMaxMs ?? defaultClientSettings.clockSkewMaxMs;
  const { id, lease: leaseMs = defaultLeaseMs, election } = options;
  checkCoordinatorLease(leaseMs, clockSkewMaxMs);
  return coordinatorSettings(id, clockSkewMaxMs, { leaseMs, election });
}

/** Until a signal. */
async function coordinate(
  output: Output,
  space: Space,
  settings: CoordinatorSettings,
  where: ListenAddress,
  isSupervised: boolean,
): Promise<ExitStatus> {
  const { processClock } = await import('../../client/index.js');
  const { CoordinatorRunner, listen } = await import('../../red/index.js');
  const { id } = settings;
  const watch = eventPrinter(output, id);
  let stop = (): void => undefined;
  const listener = await listen({
    ...where,
    id,
    watch,
    start: (replica) => {
      const runner = new CoordinatorRunner({ settings, space, clock: processClock, replica, watch });
      stop = () => runner.close();
      return runner;
    },
  });
  const stopped = new Promise<void>((resolve) => {
    onStopRequest(isSupervised, resolve, () => process.exit(exitStatus.unavailable));
  });
  // Whoever reads that may send a signal at once.
  output.result(
    { event: 'listening', address: listener.address, id },
    () => `the coordinator of ${id} listens on ${listener.address}`,
  );
  await stopped;
  stop();
  await listener.close();
  output.result({ event: 'stopped', id }, () => `the coordinator of ${id} stopped`);
  return exitStatus.ok;
}

export function registerCoordinator(red: Command, bind: Bind): void {
  red
    .command('coordinator')
    .description('coordinate one replica of a database, in the foreground')
    .requiredOption('--id <id>', 'the replica, and the client identity of its coordinator', idArgument)
    .requiredOption('--listen <host:port>', 'where the replica connects; port 0: a free one', listenArgument)
    .option(
      '--lease <duration>',
      'how long a role lasts unless it is renewed (default: 10s)',
      durationArgument,
    )
    .addOption(
      new Option(
        '--election <how>',
        'who becomes the writer: whoever comes first, or the copier of longest standing',
      )
        .choices(['race', 'lowest'])
        .default('race'),
    )
    .addOption(supervisedOption())
    .addHelpText(
      'after',
      `
The replica speaks lines of text over TCP, without encryption: listen on the loopback address, or on a network of its own.
When the coordinator ends, its replica has to stop; the others go on once its lease is over.
${examples(
  'red coordinator --id r1 --listen 127.0.0.1:7501',
  'red coordinator --id r2 --listen 127.0.0.1:7502 --lease 5s --election lowest',
)}`,
    )
    .action(
      bind<CoordinatorOptions>(async (context, _args, options) => {
        const settings = await settingsOf(context, options);
        return withRedSpace({ ...context, identity: options.id }, async (space) => {
          const { readWriter } = await import('../../red/index.js');
          // That there is such a space, and that this identity may read it.
          await readWriter(space);
          return coordinate(context.output, space, settings, options.listen, options.supervised === true);
        });
      }),
    );
}
