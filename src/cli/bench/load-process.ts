/** Entry of the load generator's process: one plan in, one result out, by messages from its parent. */
import { TheodoraError } from '../../base/index.js';
import { runChurn } from './churn.js';
import { runLoad } from './load.js';
import type { Command, Report } from './messages.js';

const report = (message: Report): void => void process.send?.(message);

/** Resolves when the parent says this. */
const told = (kind: Command['kind']): Promise<void> =>
  new Promise((resolve) => {
    process.on('message', (command: Command) => {
      if (command.kind === kind) resolve();
    });
  });
const [killed, stopped] = [told('killed'), told('stop')];

process.on('disconnect', () => process.exit(1));
// Ctrl-C reaches the whole group of processes: the parent decides.
process.on('SIGINT', () => undefined);

async function run(command: Command): Promise<Report | null> {
  switch (command.kind) {
    case 'run': {
      const onMeasuring = (primary: number): void => report({ kind: 'measuring', primary });
      return { kind: 'result', result: await runLoad(command.plan, { onMeasuring, killed }) };
    }
    case 'churn':
      return { kind: 'churned', result: await runChurn(command.plan, stopped) };
    default:
      return null;
  }
}

process.on('message', (command: Command) => {
  run(command).then(
    (result) => result !== null && report(result),
    (error: unknown) => {
      const code = error instanceof TheodoraError ? error.code : 'INTERNAL';
      report({ kind: 'failed', code, message: error instanceof Error ? error.message : String(error) });
    },
  );
});
