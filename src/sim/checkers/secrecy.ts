/**
 * Secrecy (DESIGN section 7): nothing that goes to, comes from or is stored by a replica contains a protected value, and no
 * correct replica gives a share of a dealing to anybody but the request that it was made for.
 */
import { toHex, type ReplicaId } from '../../base/index.js';
import { decodeEntryShares, type Read, type ReadReply, type ServerMessage } from '../../codec/index.js';
import { shareCacheKey, subjectsOfEvent, subjectsOfResult } from '../../confidential/index.js';
import type { SealedSubject } from '../../confidential/index.js';
import { violated } from './violation.js';

function isIn(value: unknown, secret: Buffer, text: string): boolean {
  if (value instanceof Uint8Array)
    return Buffer.from(value.buffer, value.byteOffset, value.length).includes(secret);
  if (typeof value === 'string') return value.includes(text);
  if (value instanceof Map) return [...value.values()].some((one) => isIn(one, secret, text));
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some((one) => isIn(one, secret, text));
}

export class Secrecy {
  readonly #text: string;
  readonly #secret: Buffer;
  /** Whose request a share was given for, by its point. */
  readonly #given = new Map<string, string>();
  /** Reads asked of a replica along with its shares. */
  readonly #wanted = new Set<string>();

  /** `text`: in every value that is to stay secret. */
  constructor(text: string) {
    this.#text = text;
    this.#secret = Buffer.from(text);
  }

  /** A message, or what is written to a disk. */
  look(where: string, value: unknown): void {
    if (isIn(value, this.#secret, this.#text)) violated('secrecy', `${where} contains a protected value`);
  }

  /** A fast read that `client` asks of a replica. */
  lookAtRead(client: number, replica: number, { readId, wantsShares }: Read): void {
    if (wantsShares === true) this.#wanted.add(`${client}/${replica}/${readId}`);
  }

  /** What a correct replica tells a client. */
  lookAtShares(replica: ReplicaId, client: number, message: ServerMessage): void {
    if (message.kind === 'reply')
      for (const [at, outcome] of message.outcomes.entries())
        if (outcome.kind === 'result')
          this.#note(replica, subjectsOfResult(outcome.result), message.shares?.[at]);
    // A read wants the shares of some of those that it asks.
    if (message.kind === 'readReply' && message.result !== null && this.#isWanted(replica, client, message))
      this.#note(replica, subjectsOfResult(message.result), message.shares);
    if (message.kind === 'feedEvent') this.#note(replica, subjectsOfEvent(message.data), message.shares);
  }

  #isWanted(replica: ReplicaId, client: number, { readId, shares }: ReadReply): boolean {
    return this.#wanted.has(`${client}/${replica}/${readId}`) || shares !== undefined;
  }

  #note(replica: ReplicaId, subjects: readonly SealedSubject[], shares: Uint8Array | undefined): void {
    if (subjects.length === 0) return;
    const given = shares === undefined ? null : decodeEntryShares(shares);
    if (given?.length !== subjects.length)
      return violated(
        'secrecy',
        `correct replica ${replica} gave ${given?.length ?? 'no'} shares of ${subjects.length}`,
      );
    for (const [at, share] of given.entries()) {
      if (share.kind !== 'share') continue;
      const point = toHex(share.point);
      const origin = shareCacheKey(subjects[at]!);
      const first = this.#given.get(point) ?? origin;
      this.#given.set(point, first);
      if (first !== origin)
        violated('secrecy', `replica ${replica} gave the share of ${first} for a copy of it, ${origin}`);
    }
  }
}
