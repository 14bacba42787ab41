/** The load generator as a process of its own, from its start to its result. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { TheodoraError } from '../../base/index.js';
import type { Command, LoadPlan, LoadResult, Report } from './messages.js';

const loadProcess = fileURLToPath(new URL('./load-process.js', import.meta.url));

/** Runs the load generator; `onMeasuring` may return what has to be told to it later. */
export function runLoadProcess(
  plan: LoadPlan,
  onMeasuring: (primary: number) => Promise<Command | null>,
): Promise<LoadResult> {
  const child = fork(loadProcess, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const tell = (command: Command): void => void child.send(command);
  return new Promise<LoadResult>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      reject(new TheodoraError('LOAD_FAILED', `the load generator ended early (${signal ?? code})`));
    });
    child.on('message', (report: Report) => {
      if (report.kind === 'result') resolve(report.result);
      else if (report.kind === 'failed') reject(new TheodoraError(report.code, report.message));
      else if (report.kind === 'measuring') {
        onMeasuring(report.primary).then((command) => command !== null && tell(command), reject);
      }
    });
    tell({ kind: 'run', plan });
  }).finally(() => child.kill());
}
