/** `theodora demo`: the guided tour; its steps are in demo/. */
import type { Command } from 'commander';
import type { Bind } from '../command.js';
import { exitStatus } from '../errors.js';
import type { ExitStatus } from '../errors.js';
import type { Output } from '../output.js';

async function demo(output: Output, timeoutMs: number): Promise<ExitStatus> {
  const { tourWithSteps } = await import('../demo/walk.js');
  const { Tour } = await import('../demo/tour.js');
  const { steps } = await import('../demo/steps.js');
  await tourWithSteps(output, await Tour.prepare(timeoutMs), steps);
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
