/**
 * What an agent does while its replica is a copier: it has the server run, and follow the writer that it was told of last. Where
 * the data have parted from the writer's they are rewound, and where that cannot be done, cloned; what there is to start from is
 * kept until then. It decides nothing of its own: an unreachable writer is asked again.
 */
import type { MemberId } from '../messages.js';
import { codeOf, type PartContext } from './agent-events.js';
import { postgresError } from './errors.js';
import { pause, unlessAborted } from './pauses.js';
import { addressText, type Address } from './quoting.js';
import { endedError } from './ended.js';
import type { ServerExit } from './postmaster.js';

export interface Followed {
  readonly id: MemberId;
  readonly token: bigint;
  readonly address: Address;
  /** As it was told. */
  readonly text: string;
}

/** A writer that is being promoted is one soon, and its commits wait for who follows. */
const firstPauseMs = 100;
const lastPauseMs = 1_000;
/** How long a server that may follow gets to show that it does; it doubles with every failure, lest a slow one be copied in vain. */
const firstPatienceMs = 3_000;
const lastPatienceMs = 60_000;
/** Between two looks whether it still follows. */
const checkMs = 5_000;
const isLostAfter = 3;

export class Copier {
  /** Resolves once it does nothing more. */
  readonly done: Promise<void>;
  readonly #context: PartContext;
  #writer: Followed | null = null;
  #attached: Followed | null = null;
  #patienceMs = firstPatienceMs;
  #missed = 0;
  /** Aborted when another writer is to be followed, or none any more. */
  #step = new AbortController();
  #isEnded = false;

  constructor(context: PartContext) {
    this.#context = context;
    context.signal.addEventListener('abort', () => this.end(), { once: true });
    this.done = this.#run();
  }

  follow(writer: Followed): void {
    this.#writer = writer;
    this.#patienceMs = firstPatienceMs;
    this.#step.abort();
  }

  end(): void {
    this.#isEnded = true;
    this.#step.abort();
  }

  async #run(): Promise<void> {
    const { clock, watch, fail } = this.#context;
    let pauseMs = firstPauseMs;
    while (!this.#isEnded) {
      this.#step = new AbortController();
      const { signal } = this.#step;
      try {
        await this.#settle(signal);
        pauseMs = firstPauseMs;
        await pause(clock, checkMs, signal);
      } catch (error) {
        if (signal.aborted) {
          pauseMs = firstPauseMs;
          continue;
        }
        if (codeOf(error) === 'POSTGRES_START_FAILED') {
          fail('start', error);
          return;
        }
        watch({ kind: 'problem', what: this.#writer === null ? 'copy' : 'follow', error });
        await pause(clock, pauseMs, signal);
        pauseMs = Math.min(2 * pauseMs, lastPauseMs);
      }
    }
  }

  async #settle(signal: AbortSignal): Promise<void> {
    const { server } = this.#context;
    const writer = this.#writer;
    if (!server.isRunning) {
      this.#attached = null;
      if (await server.hasData()) await this.#startAlone(signal);
    }
    if (writer === null || (await this.#isAttachedTo(writer, signal))) return;
    this.#attached = null;
    await this.#attach(writer, signal);
    this.#attached = writer;
    this.#missed = 0;
    this.#patienceMs = firstPatienceMs;
    const { id, token, text } = writer;
    this.#context.watch({ kind: 'following', id, token, address: text });
  }

  /** It is then ready to be promoted. Rewound data cannot be started without the writer. */
  async #startAlone(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    try {
      await this.#context.server.startAsCopier(null, this.#onExit);
    } catch (error) {
      if (codeOf(error) !== 'POSTGRES_DATA_MISSING') throw error;
    }
  }

  readonly #onExit = (exit: ServerExit): void => {
    if (!exit.isAsked) this.#context.fail('run', endedError(exit));
  };

  async #isAttachedTo(writer: Followed, signal: AbortSignal): Promise<boolean> {
    if (this.#attached !== writer || !this.#context.server.isRunning) return false;
    const isFollowing = await unlessAborted(this.#context.server.isFollowingWithin(0), signal);
    this.#missed = isFollowing ? 0 : this.#missed + 1;
    return this.#missed < isLostAfter;
  }

  async #attach(writer: Followed, signal: AbortSignal): Promise<void> {
    const { server, watch } = this.#context;
    const { address } = writer;
    if (server.isRunning && (await this.#doesFollow(writer, signal))) return;
    if (server.isRunning) await server.stop();
    signal.throwIfAborted();
    if ((await server.hasData()) && (await this.#rewind(address, signal))) {
      watch({ kind: 'data', how: 'rewound' });
      if (await this.#startWith(writer, signal)) return;
      await server.stop();
    }
    signal.throwIfAborted();
    await server.cloneFrom(address, { signal });
    watch({ kind: 'data', how: 'cloned' });
    if (await this.#startWith(writer, signal)) return;
    this.#patienceMs = Math.min(2 * this.#patienceMs, lastPatienceMs);
    const text = `the database server gets nothing from the writer at ${addressText(address)}`;
    throw postgresError('POSTGRES_NOT_FOLLOWING', text, 'See its log; is the writer reachable from here');
  }

  async #doesFollow({ address }: Followed, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    return this.#proves(signal, this.#context.server.follow(address));
  }

  async #startWith({ address }: Followed, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    return this.#proves(signal, this.#context.server.startAsCopier(address, this.#onExit));
  }

  /** Whether it follows, and shows that. */
  async #proves(signal: AbortSignal, following: Promise<void>): Promise<boolean> {
    try {
      await following;
    } catch (error) {
      if (codeOf(error) === 'POSTGRES_DATA_PARTED') return false;
      throw error;
    }
    return unlessAborted(this.#context.server.isFollowingWithin(this.#patienceMs), signal);
  }

  async #rewind(address: Address, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    try {
      return await this.#context.server.rewindFrom(address, { signal });
    } catch (error) {
      // Data that cannot even be read; a clone mends everything.
      if (codeOf(error) === 'POSTGRES_COMMAND_FAILED') return false;
      throw error;
    }
  }
}
