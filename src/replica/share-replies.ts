/**
 * Adds this replica's shares to what clients are told of confidential entries (DESIGN section 7). Shares take milliseconds
 * and come off the event loop: whatever holds nothing sealed does not wait for them, and events keep their order. Bounded:
 * with too much under way a reply is dropped, and its client asks again, and a read has to be ordered.
 */
import { emptyBytes, type ViewNumber } from '../base/index.js';
import { mayContainSealed, type Outcome } from '../codec/index.js';
import type { Output } from '../ordering/index.js';
import type { ClientSessions } from './client-sessions.js';
import type { ClientPort } from './runtime.js';
import type { Drops } from './tally.js';

type OutputOf<Kind extends Output['kind']> = Extract<Output, { kind: Kind }>;

/** Where the shares come from. */
export interface ShareSource {
  /** Encoded shares of what is sealed in a result, or in an event; empty: none. */
  sharesOfResult(result: Uint8Array): Promise<Uint8Array>;
  sharesOfEvent(event: Uint8Array): Promise<Uint8Array>;
}

export interface ShareRepliesOptions {
  readonly clients: Pick<ClientSessions, keyof ClientPort | 'wantsShares'>;
  readonly source: ShareSource;
  readonly drops: Drops;
  /** A source that fails is a bug. */
  failed(error: unknown): void;
}

/** Replies and reads that wait for their shares. */
const waitingMax = 4_096;

const isSealed = (outcome: Outcome): boolean => outcome.kind === 'result' && mayContainSealed(outcome.result);

export class ShareReplies implements ClientPort {
  readonly #options: ShareRepliesOptions;
  #waiting = 0;
  /** By stream: what is to be told on it once the event before is, the last of it. */
  readonly #feeds = new Map<number, Promise<void>>();

  constructor(options: ShareRepliesOptions) {
    this.#options = options;
  }

  reply(output: OutputOf<'reply'>, view: ViewNumber): void {
    const { clients, source } = this.#options;
    if (!output.outcomes.some(isSealed)) {
      clients.reply(output, view);
      return;
    }
    if (!this.#begin()) return;
    const shares = output.outcomes.map((outcome) =>
      outcome.kind === 'result' && isSealed(outcome)
        ? source.sharesOfResult(outcome.result)
        : Promise.resolve(emptyBytes),
    );
    this.#after(Promise.all(shares), (all) => clients.reply(output, view, all));
  }

  readReply(output: OutputOf<'readReply'>): void {
    const { clients, source } = this.#options;
    const { result } = output;
    if (result === null || !mayContainSealed(result) || !clients.wantsShares(output))
      clients.readReply(output);
    else if (!this.#begin()) clients.readReply({ ...output, result: null });
    else this.#after(source.sharesOfResult(result), (shares) => clients.readReply(output, shares));
  }

  /** How many may wait is bounded by the window of each feed. */
  feedEvent(event: OutputOf<'feedEvent'>): void {
    const { clients, source } = this.#options;
    if (mayContainSealed(event.data)) {
      const shares = source.sharesOfEvent(event.data);
      // Heard of when its turn comes.
      shares.catch(() => undefined);
      this.#inOrder(event.stream, async () => clients.feedEvent(event, await shares));
    } else if (this.#feeds.has(event.stream)) {
      this.#inOrder(event.stream, () => clients.feedEvent(event));
    } else clients.feedEvent(event);
  }

  feedTruncated(end: OutputOf<'feedTruncated'>): void {
    const { clients } = this.#options;
    if (this.#feeds.has(end.stream)) this.#inOrder(end.stream, () => clients.feedTruncated(end));
    else clients.feedTruncated(end);
  }

  opened(opened: OutputOf<'opened'>, view: ViewNumber): void {
    this.#options.clients.opened(opened, view);
  }

  clientEnded(end: OutputOf<'clientEnded'>): void {
    this.#options.clients.clientEnded(end);
  }

  flush(): void {
    this.#options.clients.flush();
  }

  #begin(): boolean {
    if (this.#waiting >= waitingMax) {
      this.#options.drops.add('SHARES_FULL');
      return false;
    }
    this.#waiting += 1;
    return true;
  }

  #after<T>(shares: Promise<T>, tell: (shares: T) => void): void {
    shares
      .then(tell)
      .catch((error: unknown) => this.#options.failed(error))
      .finally(() => (this.#waiting -= 1));
  }

  #inOrder(stream: number, tell: () => void | Promise<void>): void {
    const told = (this.#feeds.get(stream) ?? Promise.resolve())
      .then(tell)
      .catch((error: unknown) => this.#options.failed(error))
      .finally(() => {
        if (this.#feeds.get(stream) === told) this.#feeds.delete(stream);
      });
    this.#feeds.set(stream, told);
  }
}
