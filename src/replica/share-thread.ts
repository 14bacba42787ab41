/**
 * Shares and verdicts off the event loop: a thread of their own, so that a flood of confidential operations takes no turn
 * from the ordering of all the others (DESIGN section 7).
 */
import { Worker } from 'node:worker_threads';
import { bytesOf, createShareWork, type ShareJob, type ShareSettings } from './share-jobs.js';
import type { ShareSource } from './share-replies.js';

export interface Shares extends ShareSource {
  /** Whether the evidence of a repair proves its case. */
  judge(evidence: Uint8Array): Promise<boolean>;
  close(): Promise<void>;
}

type Ask = (job: ShareJob) => Promise<Uint8Array | boolean>;

interface Asked {
  readonly ask: Ask;
  close(): Promise<void>;
}

/** In this thread, a job a turn: for programs that run from their sources, which have no file for a thread. */
async function askInline(settings: ShareSettings): Promise<Asked> {
  const work = await createShareWork(settings);
  return {
    ask: (job) => new Promise((resolve) => setImmediate(() => resolve(work(job)))),
    close: () => Promise.resolve(),
  };
}

interface Waiting {
  readonly job: ShareJob;
  resolve(answer: Uint8Array | boolean): void;
  reject(error: Error): void;
}

/**
 * Jobs that the thread has been handed. One, so that it sleeps between any two: a scheduler that lets a thread use up its slice
 * would else keep the event loop waiting for milliseconds, whatever the priorities.
 */
const handedMax = 1;

class ShareThread {
  readonly #worker: Worker;
  /** Whoever waits for it to take jobs. */
  #starting: Pick<Waiting, 'resolve' | 'reject'> | null = null;
  /** Verdicts hold up a batch, and with it everything else that is ordered: they come before shares. */
  readonly #verdicts: Waiting[] = [];
  readonly #shares: Waiting[] = [];
  /** In the order in which they will be answered. */
  readonly #handed: Waiting[] = [];
  #failure: Error | null = null;

  constructor(settings: ShareSettings) {
    this.#worker = new Worker(new URL('./share-worker.js', import.meta.url), { workerData: settings });
    this.#worker.on('message', (answer: Uint8Array | boolean | null) => {
      if (answer === null) this.#starting?.resolve(true);
      else this.#handed.shift()?.resolve(answer);
      this.#hand();
    });
    this.#worker.on('error', (error) =>
      this.#fail(error instanceof Error ? error : new Error(String(error))),
    );
    this.#worker.on('exit', () => this.#fail(new Error('the share thread has ended')));
  }

  /** Resolves once it takes jobs. */
  started(): Promise<Uint8Array | boolean> {
    return new Promise((resolve, reject) => (this.#starting = { resolve, reject }));
  }

  ask(job: ShareJob): Promise<Uint8Array | boolean> {
    const failure = this.#failure;
    if (failure !== null) return Promise.reject(failure);
    return new Promise((resolve, reject) => {
      const queue = job.kind === 'repair' ? this.#verdicts : this.#shares;
      queue.push({ job, resolve, reject });
      this.#hand();
    });
  }

  #hand(): void {
    while (this.#handed.length < handedMax) {
      const next = this.#verdicts.shift() ?? this.#shares.shift();
      if (next === undefined) return;
      this.#handed.push(next);
      this.#worker.postMessage(next.job);
    }
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#starting?.reject(this.#failure);
    for (const queue of [this.#handed, this.#verdicts, this.#shares])
      for (const { reject } of queue.splice(0)) reject(this.#failure);
  }
}

async function askThread(settings: ShareSettings): Promise<Asked> {
  const thread = new ShareThread(settings);
  await thread.started();
  return { ask: (job) => thread.ask(job), close: () => thread.close() };
}

/** The thread starts with the first job: most clusters have no confidential spaces. Rejects as `createShareWork`. */
export function createShares(settings: ShareSettings): Shares {
  let asked: Promise<Asked> | null = null;
  const start = import.meta.url.endsWith('.js') ? askThread : askInline;
  const ask: Ask = async (job) => (await (asked ??= start(settings))).ask(job);
  return {
    sharesOfResult: async (bytes) => bytesOf(await ask({ kind: 'result', bytes })),
    sharesOfEvent: async (bytes) => bytesOf(await ask({ kind: 'event', bytes })),
    judge: async (bytes) => (await ask({ kind: 'repair', bytes })) === true,
    close: async () => {
      if (asked !== null) await (await asked).close();
    },
  };
}
