/** The load generator as a process of its own, from its start to its result. */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { TheodoraError } from '../../base/index.js';
import type { ChurnPlan, ChurnResult, Command, LoadPlan, LoadResult, Report } from './messages.js';

const loadProcess = fileURLToPath(new URL('./load-process.js', import.meta.url));

const start = (): ChildProcess => fork(loadProcess, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });

/** The first thing that `child` reports and `accept` takes; rejects if it fails or ends before. */
function awaitReport<T>(child: ChildProcess, accept: (report: Report) => T | null): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      reject(new TheodoraError('LOAD_FAILED', `the load generator ended early (${signal ?? code})`));
    });
    child.on('message', (report: Report) => {
      if (report.kind === 'failed') return reject(new TheodoraError(report.code, report.message));
      const accepted = accept(report);
      if (accepted !== null) resolve(accepted);
    });
  });
}

/** Runs the load generator; `onMeasuring` may return what has to be told to it later. */
export async function runLoadProcess(
  plan: LoadPlan,
  onMeasuring: (primary: number) => Promise<Command | null> = () => Promise.resolve(null),
): Promise<LoadResult> {
  const child = start();
  const tell = (command: Command): void => void child.send(command);
  try {
    tell({ kind: 'run', plan });
    return await new Promise<LoadResult>((resolve, reject) => {
      awaitReport(child, (report) => {
        if (report.kind === 'measuring')
          onMeasuring(report.primary).then((command) => command !== null && tell(command), reject);
        return report.kind === 'result' ? report.result : null;
      }).then(resolve, reject);
    });
  } finally {
    child.kill();
  }
}

/** Clients that come and go for as long as `during` runs. */
export async function withChurn<T>(
  plan: ChurnPlan,
  during: () => Promise<T>,
): Promise<readonly [T, ChurnResult]> {
  const child = start();
  try {
    child.send({ kind: 'churn', plan } satisfies Command);
    const churned = awaitReport(child, (report) => (report.kind === 'churned' ? report.result : null));
    const done = during().then((result) => {
      child.send({ kind: 'stop' } satisfies Command);
      return result;
    });
    return await Promise.all([done, churned]);
  } finally {
    child.kill();
  }
}
