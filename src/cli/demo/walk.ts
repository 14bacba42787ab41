/** Walks through the steps of a tour: each is told, done and checked; whatever was started for it ends with it. */
import { describeError } from '../errors.js';
import type { Output } from '../output.js';
import { onStopSignals } from '../signals.js';

export interface Step<T> {
  readonly name: string;
  readonly shows: string;
  /** Returns what was observed; throws if a claim did not hold. */
  run(tour: T): Promise<string>;
}

/** As shells report a program that Ctrl-C ended. */
const interruptedStatus = 130;

async function walk<T>(output: Output, tour: T, steps: readonly Step<T>[]): Promise<void> {
  for (const [index, step] of steps.entries()) {
    const { name, shows } = step;
    const number = index + 1;
    output.say(`${output.style('bold', `${number}. ${name}`)}: ${shows}`);
    try {
      const observed = await step.run(tour);
      output.record({ step: number, name, shows, observed, ok: true });
      output.say(`   ${output.style('green', 'ok')}  ${observed}\n`);
    } catch (error) {
      const { code, message } = describeError(error);
      output.record({ step: number, name, shows, ok: false, error: { code, message } });
      output.say(`   ${output.style('red', 'failed')}\n`);
      throw error;
    }
  }
}

/** The tour is over then. @throws what a step threw. */
export async function tourWithSteps<T extends AsyncDisposable>(
  output: Output,
  prepared: T,
  steps: readonly Step<T>[],
): Promise<void> {
  await using tour = prepared;
  const leave = (): void => process.exit(interruptedStatus);
  const release = onStopSignals(() => void tour[Symbol.asyncDispose]().then(leave, leave), leave);
  try {
    await walk(output, tour, steps);
  } finally {
    release();
  }
}
