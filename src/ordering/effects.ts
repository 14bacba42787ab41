/**
 * What executing a batch does beyond its own results: late outcomes of operations that were left waiting, and
 * feeds that have more to tell, and clients that are none any more. Late outcomes are replicated state, told when they come about and again to
 * whoever may have missed them; a batch's leave behind the reply of the envelope that brought them about.
 */
import { assert, type ClientId, type SessionId } from '../base/index.js';
import { envelopeOperationsMax, type Outcome } from '../codec/index.js';
import type { Core } from './core.js';
import { touchFeed, touchFeedsOf } from './feeds.js';
import { removePendingOf } from './pool.js';
import type { Effects } from './ports.js';
import {
  allSessions,
  endSessionsOf,
  findSession,
  lateOutcomes,
  resolveWaiting,
  type Session,
} from './sessions.js';

/** Late outcomes on their way out; those of contiguous numbers share a reply. */
class LateReplies {
  #replies: { client: ClientId; session: SessionId; firstNumber: number; outcomes: Outcome[] }[] = [];

  add({ client, id }: Session, number: number, outcome: Outcome): void {
    const last = this.#replies.at(-1);
    if (
      last?.session === id &&
      last.firstNumber + last.outcomes.length === number &&
      last.outcomes.length < envelopeOperationsMax
    ) {
      last.outcomes.push(outcome);
    } else {
      this.#replies.push({ client, session: id, firstNumber: number, outcomes: [outcome] });
    }
  }

  flush(core: Core): void {
    if (this.#replies.length === 0) return;
    for (const reply of this.#replies) core.outputs.push({ kind: 'reply', ...reply });
    this.#replies = [];
  }
}

/** Tells those that have a part of theirs in the sessions. */
export function tellEnded(core: Core, ended: readonly SessionId[]): void {
  for (const session of ended) {
    core.stateMachine.endSession?.(session);
    touchFeedsOf(core.feeds, session);
  }
}

/** The effects of one batch; of no use after `end`. */
export class BatchEffects implements Effects {
  readonly #core: Core;
  readonly #late = new LateReplies();
  #endedClients: ClientId[] = [];
  #isOver = false;

  constructor(core: Core) {
    this.#core = core;
  }

  resolve(id: SessionId, number: number, result: Uint8Array): boolean {
    assert(!this.#isOver, 'an operation is resolved outside of execution');
    const { sessions, config } = this.#core;
    const session = findSession(sessions, id);
    assert(session !== undefined, `an operation of the ended session ${id} is resolved`);
    const outcome = resolveWaiting(sessions, session, number, result, config);
    this.#late.add(session, number, outcome);
    return outcome.kind === 'result';
  }

  notify(session: SessionId, number: number): void {
    assert(!this.#isOver, 'a feed is notified outside of execution');
    touchFeed(this.#core.feeds, session, number);
  }

  endClient(client: ClientId): void {
    assert(!this.#isOver, 'a client is ended outside of execution');
    const { sessions, pool } = this.#core;
    tellEnded(this.#core, endSessionsOf(sessions, client));
    removePendingOf(pool, client);
    this.#endedClients.push(client);
  }

  /** Lets out the replies so far; only then may the streams of clients that are none any more end. */
  flush(): void {
    this.#late.flush(this.#core);
    for (const client of this.#endedClients) this.#core.outputs.push({ kind: 'clientEnded', client });
    this.#endedClients = [];
  }

  end(): void {
    this.flush();
    this.#isOver = true;
  }
}

/** A stream of the client takes part in this session from now on: it may have missed late outcomes. */
export function onAttached(core: Core, client: ClientId, id: SessionId): void {
  const session = findSession(core.sessions, id);
  if (session?.client === client && core.diverged === null) tellLate(core, [session]);
}

/** After a state transfer: what came about in the part that was not executed here has not been told. */
export const tellAllLate = (core: Core): void => tellLate(core, allSessions(core.sessions));

function tellLate(core: Core, sessions: Iterable<Session>): void {
  const replies = new LateReplies();
  for (const session of sessions) {
    for (const [number, outcome] of lateOutcomes(session)) replies.add(session, number, outcome);
  }
  replies.flush(core);
}
