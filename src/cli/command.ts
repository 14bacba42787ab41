/** What a command file needs to register itself: how its handler is bound, and parsers for its options. */
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { TheodoraError } from '../base/index.js';
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
