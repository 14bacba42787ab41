/**
 * The command line as commander sees it: global options, the commands by group, and the one place where an
 * error becomes an exit status. The commands themselves are in commands/; they import the heavy rooms only
 * when they run, so that --help stays quick.
 */
import { Command, CommanderError, Option } from 'commander';
import { createContext, defaultTimeoutMs } from './config.js';
import type { GlobalOptions } from './config.js';
import { registerBench } from './commands/bench.js';
import { registerClient } from './commands/client.js';
import { registerDemo } from './commands/demo.js';
import { registerInit } from './commands/init.js';
import { registerKeys } from './commands/keys.js';
import { registerPolicy } from './commands/policy.js';
import { registerRed } from './commands/red.js';
import { registerReplica } from './commands/replica.js';
import { registerSim } from './commands/sim.js';
import { registerSpace } from './commands/space.js';
import { registerSnapshot } from './commands/snapshot.js';
import { registerSpaceOperations } from './commands/space-operations.js';
import { registerStatus } from './commands/status.js';
import { registerWaiting } from './commands/waiting.js';
import { registerUp } from './commands/up.js';
import { durationArgument } from './command.js';
import type { Bind } from './command.js';
import { formatDuration } from './duration.js';
import { describeError, exitStatus, printError } from './errors.js';
import { Output } from './output.js';
import type { Terminal } from './output.js';
import { packageVersion } from './version.js';

const examples = `
Tuples and templates are JSON arrays. In a template null matches anything and {"formal":"int"} any integer
(also string, double, bool, bytes). {"bytes":"base64"}, {"int":"9223372036854775807"} and {"double":1} write
what plain JSON cannot.

Examples:
  $ theodora up                                    a cluster of four replicas on this machine
  $ theodora out '["job", 42, "queued"]'           insert a tuple
  $ theodora rdp '["job", null, "queued"]'         read the oldest match
  $ theodora inp '["job", {"formal":"int"}, null]' take it
  $ theodora cas '["leader", null]' '["leader", "me"]'
                                                   insert only if nothing matches: an election
  $ theodora cas '["leader", null]' '["leader", "me"]' --lease 10s
                                                   the same, for ten seconds unless renewed
  $ theodora client add alice                      another client; then: --as alice
  $ theodora space create locks --policy policy/lock.ts
                                                   a space with rules; then: --space locks
  $ theodora status                                how the replicas are
  $ theodora snapshot save backup.snapshot         a backup of everything
  $ theodora demo                                  a guided tour on a cluster of its own

Exit status: 0 done or found, 1 no match, not inserted or not renewed, 2 bad usage or input, 3 refused,
4 unavailable or outcome unknown, 70 internal error.`;

function createProgram(terminal: Terminal, bind: Bind): Command {
  const program = new Command('theodora')
    .description(
      'A coordination service: a shared tuple space on 3f+1 replicas, of which f may fail in any way.',
    )
    .version(packageVersion(), '--version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help for a command')
    .option('--cluster <file>', 'cluster file (default: $THEODORA_CLUSTER, else .theodora/cluster.yaml)')
    .option('--as <name>', 'client identity (default: $THEODORA_IDENTITY, else admin)')
    .option('--space <name>', 'tuple space (default: default; of red: red)')
    .option('--json', 'one JSON object a line on stdout; all else goes to stderr')
    .addOption(
      new Option('--timeout <duration>', 'how long to wait for the service, such as 500ms or 10s')
        .argParser(durationArgument)
        .default(defaultTimeoutMs, formatDuration(defaultTimeoutMs)),
    )
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => terminal.stdout(text),
      writeErr: (text) => terminal.stderr(text),
      // Errors are printed once, by run().
      outputError: () => undefined,
    })
    .exitOverride()
    .addHelpText('after', examples);

  program.commandsGroup('Cluster:');
  registerUp(program, bind);
  registerInit(program, bind);
  registerReplica(program, bind);
  registerClient(program, bind);
  registerSpace(program, bind);
  registerStatus(program, bind);
  registerSnapshot(program, bind);
  registerKeys(program, bind);
  program.commandsGroup('Tuple space:');
  registerSpaceOperations(program, bind);
  registerWaiting(program, bind);
  registerPolicy(program, bind);
  program.commandsGroup('Databases:');
  registerRed(program, bind);
  program.commandsGroup('See and measure:');
  registerDemo(program, bind);
  registerSim(program, bind);
  registerBench(program, bind);
  return program;
}

/** Whether --json was given, for errors that arise before the options are parsed. */
function asksForJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return argv.slice(0, end < 0 ? argv.length : end).includes('--json');
}

/** Runs one command line; resolves to the exit status and never rejects. */
export async function run(argv: readonly string[], terminal: Terminal): Promise<number> {
  let status: number = exitStatus.ok;
  const bind: Bind = (handler) =>
    async function (this: Command): Promise<void> {
      const context = createContext(terminal, this.optsWithGlobals<GlobalOptions>());
      status = await handler(context, this.args, this.opts());
    };
  try {
    const program = createProgram(terminal, bind);
    await program.parseAsync(argv, { from: 'user' });
    return status;
  } catch (error) {
    // Help and version that were asked for end here too.
    if (error instanceof CommanderError && error.exitCode === 0) return exitStatus.ok;
    const report = describeError(error);
    printError(new Output(terminal, asksForJson(argv)), report);
    return report.status;
  }
}
