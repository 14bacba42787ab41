/** `theodora demo`: the guided tour; its steps are in demo/. */
import type { Command } from 'commander';
import type { Bind } from '../command.js';
import { describeError, exitStatus } from '../errors.js';
import type { ExitStatus } from '../errors.js';
import type { Step, Tour } from '../demo/tour.js';
import type { Output } from '../output.js';
import { onStopSignals } from '../signals.js';

/** As shells report a program that Ctrl-C ended. */
const interruptedStatus = 130;

async function walk(output: Output, tour: Tour, steps: readonly Step[]): Promise<void> {
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

async function demo(output: Output, timeoutMs: number): Promise<ExitStatus> {
  const { Tour } = await import('../demo/tour.js');
  const { steps } = await import('../demo/steps.js');
  await using tour = await Tour.prepare(timeoutMs);
  const leave = (): void => process.exit(interruptedStatus);
  const release = onStopSignals(() => void tour[Symbol.asyncDispose]().then(leave, leave), leave);
  try {
    await walk(output, tour, steps);
  } finally {
    release();
  }
  output.say('All of it held. The cluster and its files are gone; `theodora up` starts one of your own.');
  return exitStatus.ok;
}

export function registerDemo(program: Command, bind: Bind): void {
  program
    .command('demo')
    .description('a guided tour on a cluster of its own: every step is shown and checked')
    .addHelpText('after', '\nExample:\n  $ theodora demo')
    .action(bind(({ output, timeoutMs }) => demo(output, timeoutMs)));
}
