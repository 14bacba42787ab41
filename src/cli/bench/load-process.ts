/** Entry of the load generator's process: one plan in, one result out, by messages from its parent. */
import { TheodoraError } from '../../base/index.js';
import { runLoad } from './load.js';
import type { Command, Report } from './messages.js';

const report = (message: Report): void => void process.send?.(message);

const killed = new Promise<void>((resolve) => {
  process.on('message', (command: Command) => {
    if (command.kind === 'killed') resolve();
  });
});

process.on('disconnect', () => process.exit(1));
// Ctrl-C reaches the whole group of processes: the parent decides.
process.on('SIGINT', () => undefined);

process.on('message', (command: Command) => {
  if (command.kind !== 'run') return;
  runLoad(command.plan, {
    onConnected: () => report({ kind: 'connected' }),
    onMeasuring: (primary) => report({ kind: 'measuring', primary }),
    killed,
  }).then(
    (result) => report({ kind: 'result', result }),
    (error: unknown) => {
      const code = error instanceof TheodoraError ? error.code : 'INTERNAL';
      report({ kind: 'failed', code, message: error instanceof Error ? error.message : String(error) });
    },
  );
});
