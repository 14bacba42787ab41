/**
 * Exactly once: in the committed order no request appears twice, and each request of a correct client is
 * byte for byte what that client submitted (nothing forged, nothing altered).
 */
import { equalBytes } from '../../base/index.js';
import type { ClientId, SessionId } from '../../base/index.js';
import { requestKey } from './committed-order.js';
import type { DeliveredBatch, RequestKey } from './committed-order.js';
import { violated } from './violation.js';

export class ExactlyOnce {
  readonly #executedAt = new Map<RequestKey, number>();
  readonly #submitted = new Map<RequestKey, { client: ClientId; operation: Uint8Array }>();
  readonly #correctClients = new Set<ClientId>();

  addCorrectClient(client: ClientId): void {
    this.#correctClients.add(client);
  }

  /** A correct client sent this request for the first time or again. */
  submit(client: ClientId, session: SessionId, number: number, operation: Uint8Array): void {
    const key = requestKey(session, number);
    const before = this.#submitted.get(key);
    if (before === undefined) {
      this.#submitted.set(key, { client, operation });
      return;
    }
    if (before.client !== client) violated('exactly-once', `two clients use session ${session}`);
    if (!equalBytes(before.operation, operation))
      violated('exactly-once', `a client changed the bytes of its request ${key}`);
  }

  /** A batch of the committed order, each once. */
  deliver(batch: DeliveredBatch): void {
    for (const { operation } of batch.executions) {
      const { client, session, number } = operation;
      const key = requestKey(session, number);
      const before = this.#executedAt.get(key);
      if (before !== undefined)
        violated('exactly-once', `${key} was executed at ${before} and at ${batch.sequenceNumber}`);
      this.#executedAt.set(key, batch.sequenceNumber);
      if (!this.#correctClients.has(client)) continue;
      const submitted = this.#submitted.get(key);
      if (submitted?.client !== client || !equalBytes(submitted.operation, operation.operation))
        violated('exactly-once', `${key} was executed but not submitted so by its client`);
    }
  }
}
