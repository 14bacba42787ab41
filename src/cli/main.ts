#!/usr/bin/env node
/** Entry point of `theodora`: runs the command line and leaves with its exit status. */
import { describeError, exitStatus, printError } from './errors.js';
import { Output, processTerminal } from './output.js';
import { run } from './program.js';

const argv = process.argv.slice(2);

// A reader that has seen enough (`theodora rdall … | head -1`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(exitStatus.ok);
  throw error;
});

// Node's own status for this is 1, which here means "no match".
process.on('uncaughtException', (error) => {
  printError(new Output(processTerminal, argv.includes('--json')), describeError(error));
  process.exit(exitStatus.internal);
});

const status = await run(argv, processTerminal);
// Both streams are drained first: what is buffered for a pipe would be lost.
process.stdout.write('', () => process.stderr.write('', () => process.exit(status)));
