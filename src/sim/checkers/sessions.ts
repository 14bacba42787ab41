/**
 * Sessions (DESIGN section 2, "Exactly once, by session") against the contents of the committed batches: a session is
 * there from its OPEN on, it ends exactly when nothing has renewed it for its lease of ordered time or its client is none any more, and what is executed
 * is each request of a session once, the first time that it comes. Shares no code with src/ordering.
 */
import { toHex } from '../../base/index.js';
import type { ClientId, Digest, SessionId } from '../../base/index.js';
import { decodeBatch, decodeEnvelope, decodeResult } from '../../codec/index.js';
import type { OpenSession, Requests } from '../../codec/index.js';
import type { OrderingConfig } from '../../ordering/index.js';
import { requestKey } from './committed-order.js';
import type { DeliveredBatch, RequestKey } from './committed-order.js';
import { violated } from './violation.js';

type SessionRules = Pick<OrderingConfig, 'sessionLeaseMs' | 'sessionUnusedMs' | 'sessionNumbersMax'>;

interface ModelSession {
  readonly client: ClientId;
  readonly nonce: string;
  endsAt: number;
  lowestUnanswered: number;
  readonly executed: Set<number>;
}

/** `bodies`: every batch that was proposed, by digest. `registered`: null: everybody is a client. Simulated clients reach neither sessionsPerClientMax nor REPLIES_FULL. */
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
    const executed = body?.kind === 'requests' ? this.#execute(body, batch.time) : [];
    for (const key of executed) this.#administer(key, batch);
    return executed;
  }

  /** Sessions end with their client. Only the admin revokes, whose envelopes hold nothing but its own. */
  #administer(key: RequestKey, { executions, sequenceNumber }: DeliveredBatch): void {
    const execution = executions.find(
      ({ operation: { session, number } }) => requestKey(session, number) === key,
    );
    if (execution === undefined) return;
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
    const opened = { client, nonce, endsAt, lowestUnanswered: 1, executed: new Set<number>() };
    this.#sessions.set(this.#last as SessionId, opened);
  }

  #execute(
    { client, session: id, firstNumber, lowestUnanswered, operations }: Requests,
    time: number,
  ): RequestKey[] {
    const session = this.#sessions.get(id);
    if (session?.client !== client) return [];
    session.lowestUnanswered = Math.max(session.lowestUnanswered, lowestUnanswered);
    const executed: RequestKey[] = [];
    for (const [index, { length }] of operations.entries()) {
      const number = firstNumber + index;
      const isPast = number < session.lowestUnanswered || session.executed.has(number);
      if (isPast || number >= session.lowestUnanswered + this.#rules.sessionNumbersMax) continue;
      session.executed.add(number);
      session.endsAt = time + this.#rules.sessionLeaseMs;
      // A keep-alive only renews.
      if (length > 0) executed.push(requestKey(id, number));
    }
    return executed;
  }
}
