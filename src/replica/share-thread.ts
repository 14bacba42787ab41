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
  resolve(answer: Uint8Array | boolean): void;
  reject(error: Error): void;
}

class ShareThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #failure: Error | null = null;

  constructor(settings: ShareSettings) {
    this.#worker = new Worker(new URL('./share-worker.js', import.meta.url), { workerData: settings });
    this.#worker.on('message', ({ id, answer }: { id: number; answer: Uint8Array | boolean }) => {
      this.#waiting.get(id)?.resolve(answer);
      this.#waiting.delete(id);
    });
    this.#worker.on('error', (error) =>
      this.#fail(error instanceof Error ? error : new Error(String(error))),
    );
    this.#worker.on('exit', () => this.#fail(new Error('the share thread has ended')));
  }

  /** Resolves once it takes jobs. */
  started(): Promise<Uint8Array | boolean> {
    return new Promise((resolve, reject) => this.#waiting.set(0, { resolve, reject }));
  }

  ask(job: ShareJob): Promise<Uint8Array | boolean> {
    const failure = this.#failure;
    if (failure !== null) return Promise.reject(failure);
    const id = ++this.#lastId;
    const answer = new Promise<Uint8Array | boolean>((resolve, reject) =>
      this.#waiting.set(id, { resolve, reject }),
    );
    this.#worker.postMessage({ id, job });
    return answer;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#failure);
    this.#waiting.clear();
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
