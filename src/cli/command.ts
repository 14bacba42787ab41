/** What a command file needs to register itself: how its handler is bound, and parsers for its options. */
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { TheodoraError } from '../base/index.js';
import type { Protection } from '../client/index.js';
import type { Context } from './config.js';
import { parseDuration } from './duration.js';
import type { AnyExitStatus } from './errors.js';

/** Gets the positional arguments as typed and the command's own options; resolves to the exit status. */
export type Handler<Options> = (
  context: Context,
  args: readonly string[],
  options: Options,
) => Promise<AnyExitStatus>;

/** Makes a handler an action of commander. */
export type Bind = <Options extends object>(
  handler: Handler<Options>,
) => (this: Command, ...ignored: unknown[]) => Promise<void>;

/** Option parser for durations, in ms. */
export function durationArgument(text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    if (error instanceof TheodoraError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}

/** Option parser for integers within bounds. */
export function integerArgument(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^-?[0-9]+$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`It must be an integer from ${min} to ${max}.`);
    }
    return value;
  };
}

/** What of a replica's votes and state survives. */
export function durabilityOption(): Option {
  return new Option(
    '--durability <mode>',
    'what survives: sync a power cut, async a killed process, memory nothing',
  )
    .choices(['sync', 'async', 'memory'])
    .default('sync');
}

/** What a new cluster's clients put on their requests; without it, what is the default of the cluster file. */
export function requestAuthOption(): Option {
  return new Option(
    '--request-auth <kind>',
    'requests carry a signature, or a MAC for each replica: faster, for trusted clients only (docs/security.md)',
  ).choices(['signature', 'mac']);
}

/** For children of ours. */
export function supervisedOption(): Option {
  return new Option('--supervised', 'end when the IPC channel to the parent process closes').hideHelp();
}

/** Option parser for a list of clients. An empty one is rather a slip, such as an unset variable, than meant. */
export function namesArgument(text: string): readonly string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.every((name) => /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name))) return names;
  throw new InvalidArgumentError('It must be names of clients with commas between, such as alice,bob.');
}

export interface ProtectOption {
  readonly protect?: readonly Protection[];
}

function protectionsArgument(text: string): readonly Protection[] {
  return text.split(',').map((word) => {
    const name = word.trim();
    if (name === 'public' || name === 'comparable' || name === 'private') return name;
    throw new InvalidArgumentError(`"${name}" is none of public, comparable, private.`);
  });
}

/** Of whatever names fields: in a template as whoever inserted said it of the tuple. */
export function protectOption(): Option {
  return new Option(
    '--protect <list>',
    'in a confidential space, for each field: public, comparable or private (default: all comparable)',
  ).argParser(protectionsArgument);
}
