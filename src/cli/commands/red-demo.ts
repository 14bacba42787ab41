/** `theodora red demo`: the guided tour of a replicated database; its steps are in demo/. */
import type { Command } from 'commander';
import type { Bind } from '../command.js';
import type { Step } from '../demo/walk.js';
import type { RedTour } from '../demo/red-tour.js';
import { exitStatus } from '../errors.js';
import type { ExitStatus } from '../errors.js';
import { idToJson } from '../json-tuples.js';
import type { Output } from '../output.js';

/** Told once all has been done: while the servers are still there. */
const summary = (output: Output): Step<RedTour> => ({
  name: 'summary',
  shows: 'who is what now, and what happened when',
  async run(tour) {
    const { readOverview } = await import('../../red/index.js');
    const { members } = await readOverview(await tour.space());
    const times = tour.timeline.map(({ atMs, text }) => [`${(atMs / 1_000).toFixed(1)} s`, text]);
    output.record({
      members: members.map(({ id, role, token, isInSync }) => ({
        ...{ id, role, isInSync },
        token: token === null ? null : idToJson(token),
      })),
      timeline: tour.timeline.map(({ atMs, text }) => ({ atMs: Math.round(atMs), text })),
    });
    const rows = members.map(({ id, role, token, isInSync }) => [
      ...[id, role, token === null ? '' : String(token)],
      isInSync ? 'yes' : 'no',
    ]);
    output.say(`\n${output.table(['id', 'role', 'fencing token', 'in sync'], rows)}\n`);
    output.say(`${output.table(['after', 'what happened'], times)}\n`);
    return `${members.length} servers, ${times.length} events`;
  },
});

async function demo(output: Output, timeoutMs: number): Promise<ExitStatus> {
  const { tourWithSteps } = await import('../demo/walk.js');
  const { RedTour } = await import('../demo/red-tour.js');
  const { redSteps } = await import('../demo/red-steps.js');
  await tourWithSteps(output, await RedTour.prepare(timeoutMs), [...redSteps, summary(output)]);
  output.say('All of it held. The servers, the cluster and their files are gone.');
  return exitStatus.ok;
}

export function registerRedDemo(red: Command, bind: Bind): void {
  red
    .command('demo')
    .description('a guided tour with three PostgreSQL servers of its own, of which the writer is killed')
    .addHelpText('after', '\nExample:\n  $ theodora red demo')
    .action(bind(({ output, timeoutMs }) => demo(output, timeoutMs)));
}
