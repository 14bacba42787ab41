/** `theodora red postgres`: the agent of one PostgreSQL replica, in the foreground. */
import type { Command } from 'commander';
import { TheodoraError } from '../../base/index.js';
import type { AgentEvent } from '../../red/index.js';
import { supervisedOption, type Bind } from '../command.js';
import { exitStatus } from '../errors.js';
import type { ExitStatus } from '../errors.js';
import { idToJson } from '../json-tuples.js';
import { toJsonLine, toPrintable } from '../output.js';
import type { Output } from '../output.js';
import { onStopRequest } from '../signals.js';
import { examples } from './entries.js';
import { addressArgument, idArgument, type ListenAddress } from './red-arguments.js';

interface PostgresOptions {
  readonly data: string;
  readonly coordinator: ListenAddress;
  readonly id: string;
  readonly listen: ListenAddress;
  readonly advertise?: ListenAddress;
  readonly passwordFile: string;
  readonly binDir?: string;
  readonly supervised?: boolean;
}

type Problem = Extract<AgentEvent, { readonly kind: 'problem' }>;

const roleTexts = { stopped: 'stopped', copier: 'a copier', writer: 'the writer' } as const;

function recordOf(event: Exclude<AgentEvent, Problem>): object {
  switch (event.kind) {
    case 'role':
      return {
        event: 'role',
        role: event.role,
        token: event.token === null ? null : idToJson(event.token),
      };
    case 'following':
      return { event: 'following', id: event.id, token: idToJson(event.token), address: event.address };
    case 'data':
      return { event: 'data', how: event.how };
    case 'onRecord':
      return { event: 'onRecord', ids: event.ids };
    case 'coordinator':
      return { event: 'coordinator', connected: event.isConnected };
  }
}

function textOf(id: string, event: Exclude<AgentEvent, Problem>, output: Output): string {
  switch (event.kind) {
    case 'role': {
      const fenced = event.token === null ? '' : `, fencing token ${event.token}`;
      return `${id} is ${output.style('bold', roleTexts[event.role])}${fenced}`;
    }
    case 'following':
      return `${id} follows ${toPrintable(event.id)} at ${toPrintable(event.address)}, fencing token ${event.token}`;
    case 'data':
      return `${id}: the data were ${event.how}`;
    case 'onRecord':
      return `${id}: on record to hold every acknowledged commit: ${event.ids.join(', ')}`;
    case 'coordinator':
      return `${id}: ${event.isConnected ? 'connected to its coordinator' : 'the connection to its coordinator has ended'}`;
  }
}

function problemRecord({ what, error }: Problem): {
  event: 'problem';
  what: string;
  code: string;
  message: string;
} {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof TheodoraError)
    return { event: 'problem', what, code: error.code, message, ...error.fields };
  const code = (error as { readonly code?: unknown } | null)?.code;
  return { event: 'problem', what, code: typeof code === 'string' ? code : 'INTERNAL', message };
}

/** A printer of what happens. The same problem again, with nothing between, is tried again and not said again. */
function eventPrinter(output: Output, id: string): (event: AgentEvent) => void {
  let last = '';
  return (event) => {
    if (event.kind !== 'problem') {
      last = '';
      output.result(recordOf(event), () => textOf(id, event, output));
      return;
    }
    const record = problemRecord(event);
    const said = toJsonLine([record.what, record.code]);
    if (said === last) return;
    last = said;
    const { what, code, message } = record;
    output.result(record, () => `${id}: ${output.style('yellow', what)}: ${toPrintable(message)} [${code}]`);
  };
}

/** Until a signal. */
async function run(output: Output, options: PostgresOptions): Promise<ExitStatus> {
  const { data, coordinator, id, listen, advertise, passwordFile, binDir } = options;
  const { openPostgresAgent } = await import('../../red/index.js');
  const agent = await openPostgresAgent({
    server: { directory: data, id, listen, passwordFile, binDir },
    coordinator,
    advertise,
    watch: eventPrinter(output, id),
  });
  // Timers alone do not keep the process.
  const held = setInterval(() => undefined, 60_000);
  const stopped = new Promise<void>((resolve) => {
    onStopRequest(options.supervised === true, resolve, () => process.exit(exitStatus.unavailable));
  });
  output.result({ event: 'started', id }, () => `the agent of ${id} has started, with the data in ${data}`);
  agent.start();
  await stopped;
  await agent.close();
  clearInterval(held);
  output.result({ event: 'stopped', id }, () => `the agent of ${id} and its database server stopped`);
  return exitStatus.ok;
}

export function registerPostgres(red: Command, bind: Bind): void {
  red
    .command('postgres')
    .description('run one PostgreSQL replica as its coordinator says, in the foreground')
    .requiredOption('--data <dir>', 'the directory of this replica: data, socket and log are in it')
    .requiredOption('--coordinator <host:port>', 'where its coordinator listens', addressArgument)
    .requiredOption('--id <id>', 'the replica: the id of its coordinator', idArgument)
    .requiredOption(
      '--listen <host:port>',
      'where clients and other replicas reach PostgreSQL',
      addressArgument,
    )
    .option('--advertise <host:port>', 'what others are told in place of --listen', addressArgument)
    .requiredOption(
      '--password-file <file>',
      'the password of replication: one line, readable by its owner only, the same for all replicas',
    )
    .option('--bin-dir <dir>', "where PostgreSQL's programs are, unless they are found without")
    .addOption(supervisedOption())
    .addHelpText(
      'after',
      `
The database is called red; its superuser is postgres, by the socket in the directory only. As the writer, a commit is
acknowledged once every replica on record has it (\`theodora red status\`, in sync).
${examples(
  'red postgres --data r1 --coordinator 127.0.0.1:7501 --id r1 --listen 127.0.0.1:5501 --password-file password',
)}`,
    )
    .action(bind<PostgresOptions>(({ output }, _args, options) => run(output, options)));
}
