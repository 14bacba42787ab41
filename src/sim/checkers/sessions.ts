/**
 * Sessions (DESIGN section 2, "Exactly once, by session") against the contents of the committed batches: a session is
 * there from its OPEN on, it ends exactly when nothing has renewed it for its lease of ordered time or its client is none any more, and what is executed
 * is each request of a session once, the first time that it comes, unless too many results of its client have not arrived. Shares no code
 * with src/ordering.
 */
import { toHex } from '../../base/index.js';
import type { ClientId, Digest, SessionId } from '../../base/index.js';
import { decodeBatch, decodeEnvelope, decodeResult } from '../../codec/index.js';
import type { OpenSession, Requests } from '../../codec/index.js';
import type { OrderingConfig } from '../../ordering/index.js';
import { requestKey } from './committed-order.js';
import type { DeliveredBatch, Effect, Execution, RequestKey } from './committed-order.js';
import { violated } from './violation.js';

type SessionRules = Pick<
  OrderingConfig,
  'sessionLeaseMs' | 'sessionUnusedMs' | 'sessionNumbersMax' | 'sessionReplyBytesMax' | 'clientReplyBytesMax'
>;

interface ModelSession {
  readonly client: ClientId;
  readonly nonce: string;
  endsAt: number;
  lowestUnanswered: number;
  readonly executed: Set<number>;
  /** Sizes of the results that are kept until they have arrived, and of those that came late. */
  readonly results: Map<number, number>;
  readonly lateResults: Map<number, number>;
}

const sumOf = (sizes: ReadonlyMap<number, number>): number => {
  let sum = 0;
  for (const size of sizes.values()) sum += size;
  return sum;
};

/** `bodies`: every batch that was proposed, by digest. `registered`: null: everybody is a client. Simulated clients do not reach sessionsPerClientMax. */
export function checkSessions(
  batches: readonly DeliveredBatch[],
  bodies: ReadonlyMap<Digest, Uint8Array>,
  rules: SessionRules,
  registered: readonly { readonly publicKey: ClientId }[] | null = null,
): void {
  const model = new SessionModel(rules, registered?.map(({ publicKey }) => publicKey) ?? null);
  for (const batch of batches) {
    const body = bodies.get(batch.digest);
    if (body === undefined) violated('sessions', `nobody proposed the batch at ${batch.sequenceNumber}`);
    model.follow(batch, body);
  }
}

class SessionModel {
  readonly #rules: SessionRules;
  readonly #sessions = new Map<SessionId, ModelSession>();
  #last = 0;

  /** Null: everybody. */
  readonly #clients: Set<ClientId> | null;

  constructor(rules: SessionRules, clients: readonly ClientId[] | null) {
    this.#rules = rules;
    this.#clients = clients === null ? null : new Set(clients);
  }

  follow(batch: DeliveredBatch, body: Uint8Array): void {
    this.#end(batch);
    this.#resolve(batch.effects, batch.sequenceNumber);
    const executed = (decodeBatch(body)?.envelopes ?? []).flatMap((bytes) => this.#order(bytes, batch));
    const noted = batch.executions.map(({ operation: { session, number } }) => requestKey(session, number));
    if (noted.join() !== executed.join())
      violated('sessions', `at ${batch.sequenceNumber} ${noted.join()} ran instead of ${executed.join()}`);
  }

  /** Whoever is due ends before time passes, and nobody else does. */
  #end({ ended, time, sequenceNumber }: DeliveredBatch): void {
    const due = [...this.#sessions].flatMap(([id, { endsAt }]) => (endsAt <= time ? [id] : []));
    due.sort((a, b) => a - b);
    for (const id of due) this.#sessions.delete(id);
    if (ended.join() !== due.join())
      violated('sessions', `at ${sequenceNumber} sessions ${ended.join()} ended instead of ${due.join()}`);
  }

  /** What of an envelope is executed by the state machine. */
  #order(bytes: Uint8Array, batch: DeliveredBatch): RequestKey[] {
    const body = decodeEnvelope(bytes)?.body;
    if (body?.kind === 'open') this.#open(body, batch.time);
    return body?.kind === 'requests' ? this.#execute(body, batch) : [];
  }

  /** Sessions end with their client. */
  #administer(key: RequestKey, execution: Execution, { sequenceNumber }: DeliveredBatch): void {
    const result = execution.result === null ? null : decodeResult(execution.result);
    const client = result?.kind === 'client' ? result.client : null;
    const due: SessionId[] = [];
    if (client?.revokedAt === null) this.#clients?.add(client.publicKey);
    else if (client !== null) {
      this.#clients?.delete(client.publicKey);
      for (const [id, session] of this.#sessions) if (session.client === client.publicKey) due.push(id);
    }
    due.sort((a, b) => a - b);
    for (const id of due) this.#sessions.delete(id);
    if (execution.ended.join() !== due.join())
      violated('sessions', `at ${sequenceNumber} ${key} ended ${execution.ended.join()}, not ${due.join()}`);
  }

  #open({ client, nonce: bytes }: OpenSession, time: number): void {
    if (this.#clients?.has(client) === false) return;
    const nonce = toHex(bytes);
    for (const session of this.#sessions.values())
      if (session.client === client && session.nonce === nonce) return;
    this.#last = Math.max(this.#last + 1, time * 1_024);
    const endsAt = time + this.#rules.sessionUnusedMs;
    this.#sessions.set(this.#last as SessionId, {
      client,
      nonce,
      endsAt,
      lowestUnanswered: 1,
      executed: new Set(),
      results: new Map(),
      lateResults: new Map(),
    });
  }

  /** Whether a session, of which these are kept, or its client with all of his, keeps as much as it may. */
  #areFull({ client }: ModelSession, results: ReadonlyMap<number, number>): boolean {
    let ofClient = 0;
    for (const session of this.#sessions.values())
      if (session.client === client) ofClient += sumOf(session.results) + sumOf(session.lateResults);
    const { sessionReplyBytesMax, clientReplyBytesMax } = this.#rules;
    return sumOf(results) >= sessionReplyBytesMax || ofClient >= clientReplyBytesMax;
  }

  /** Late outcomes: one that finds no room is not given. */
  #resolve(effects: readonly Effect[], at: number): void {
    for (const { session: id, number, result, isGiven } of effects) {
      const session = this.#sessions.get(id);
      if (session === undefined)
        violated('sessions', `at ${at} ${requestKey(id, number)} is woken after its end`);
      if (isGiven === this.#areFull(session, session.lateResults))
        violated(
          'sessions',
          `at ${at} ${requestKey(id, number)} is ${isGiven ? '' : 'not '}given its result`,
        );
      session.lateResults.set(number, isGiven ? result.length : 0);
    }
  }

  #execute(requests: Requests, batch: DeliveredBatch): RequestKey[] {
    const { client, session: id, firstNumber, operations } = requests;
    const session = this.#sessions.get(id);
    if (session?.client !== client) return [];
    forgetArrived(session, requests);
    const executed: RequestKey[] = [];
    for (const [index, { length }] of operations.entries()) {
      const number = firstNumber + index;
      const isPast = number < session.lowestUnanswered || session.executed.has(number);
      if (isPast || number >= session.lowestUnanswered + this.#rules.sessionNumbersMax) continue;
      if (!this.#sessions.has(id)) break;
      session.executed.add(number);
      session.endsAt = batch.time + this.#rules.sessionLeaseMs;
      // A keep-alive only renews.
      if (length === 0 || this.#areFull(session, session.results)) continue;
      executed.push(requestKey(id, number));
      this.#take(session, id, number, batch);
    }
    return executed;
  }

  /** What the execution of the session's request did. */
  #take(session: ModelSession, id: SessionId, number: number, batch: DeliveredBatch): void {
    const execution = batch.executions.find(
      ({ operation }) => operation.session === id && operation.number === number,
    );
    if (execution === undefined) return;
    this.#resolve(execution.effects, batch.sequenceNumber);
    session.results.set(number, execution.result?.length ?? 0);
    this.#administer(requestKey(id, number), execution, batch);
  }
}

/** What the client says that it has. A late outcome that is not there yet cannot have arrived. */
function forgetArrived(session: ModelSession, { lowestUnanswered, finished }: Requests): void {
  session.lowestUnanswered = Math.max(session.lowestUnanswered, lowestUnanswered);
  for (const number of session.results.keys())
    if (number < session.lowestUnanswered) session.results.delete(number);
  for (const number of finished) session.lateResults.delete(number);
}
