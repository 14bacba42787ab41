/**
 * Which spaces are confidential, and the keys to their tags (DESIGN section 7). Asked of the service before anything else
 * is said about a space: whoever learnt it from a refusal would have told the replicas a tuple by then.
 */
import { RefusedError, TheodoraError, UnavailableError, UnknownOutcomeError } from '../base/index.js';
import { decodeEntryShares, type EntryShare, type Result } from '../codec/index.js';
import { openSpaceKey, type Tagger } from '../confidential/index.js';
import type { ReplicaId } from '../base/index.js';
import { unexpectedResult } from './failures.js';
import type { CallOptions } from './options.js';
import type { Shares } from './protocol.js';
import type { Seals } from './seals.js';
import type { RawCaller } from './raw-caller.js';

/** How often a reader asks again that has too few good shares. */
export const shareAttempts = 3;

export function tooFewShares(operation: string): UnavailableError {
  const message = `${operation}: fewer than f+1 replicas gave a share that is one; nothing can be opened. Are more than f faulty?`;
  return new UnavailableError('SHARES_MISSING', message, { operation });
}

/** Something was taken, and perhaps inserted: nobody may say that nothing was done, nor do it again. */
export function afterTaking(error: unknown): unknown {
  if (!(error instanceof TheodoraError)) return error;
  const message = `${error.message} What was taken is gone.`;
  return new UnknownOutcomeError(error.code, message, error.fields, error);
}

export function expiredKeys(operation: string, space: string): RefusedError {
  const message = `${operation}: what is sealed in the space "${space}" was dealt to earlier sharing keys of the replicas.`;
  return new RefusedError('SHARING_KEYS_REPLACED', message, { operation, space });
}

/** By replica, what it gave for each thing that is sealed; malformed ones are none. */
export function readShares(
  shares: Shares | undefined,
  count: number,
): readonly ReadonlyMap<ReplicaId, EntryShare>[] {
  const replies = Array.from({ length: count }, () => new Map<ReplicaId, EntryShare>());
  for (const [replica, bytes] of shares ?? []) {
    const given = decodeEntryShares(bytes);
    if (given?.length !== count) continue;
    for (const [at, share] of given.entries()) replies[at]!.set(replica, share);
  }
  return replies;
}

export class SpaceKeys {
  readonly #raw: Pick<RawCaller, 'call'>;
  readonly #seals: Seals | null;
  /** Null: the space is not confidential. */
  readonly #known = new Map<string, Tagger | null>();
  readonly #asked = new Map<string, Promise<Tagger | null>>();

  /** `seals` null: no space is confidential. */
  constructor(raw: Pick<RawCaller, 'call'>, seals: Seals | null) {
    this.#raw = raw;
    this.#seals = seals;
  }

  /** Undefined: the service has to be asked. */
  known(space: string): Tagger | null | undefined {
    return this.#seals === null ? null : this.#known.get(space);
  }

  forget(space: string): void {
    this.#known.delete(space);
  }

  /** As any call of `operation` on the space fails. */
  async of(space: string, operation: string, options: CallOptions | undefined): Promise<Tagger | null> {
    const known = this.known(space);
    if (known !== undefined) return known;
    const asked = this.#shared(space, options) ?? this.#ask(space, options);
    try {
      const key = await asked;
      this.#known.set(space, key);
      return key;
    } catch (error) {
      if (error instanceof RefusedError) throw refusedAs(operation, error);
      if (!(error instanceof UnknownOutcomeError)) throw error;
      // The question changes nothing, and what the user called was not sent.
      options?.signal?.throwIfAborted();
      throw notAsked(operation, space, error);
    }
  }

  /** One answer for all who ask at once, but for those who would end it in their own time. */
  #shared(space: string, options: CallOptions | undefined): Promise<Tagger | null> | null {
    if (options?.signal !== undefined || options?.timeout !== undefined) return null;
    const underWay = this.#asked.get(space);
    if (underWay !== undefined) return underWay;
    const asked = this.#ask(space, options).finally(() => this.#asked.delete(space));
    this.#asked.set(space, asked);
    return asked;
  }

  async #ask(space: string, options: CallOptions | undefined): Promise<Tagger | null> {
    for (let attempt = 1; ; attempt++) {
      const key = await this.#askOnce(space, options, attempt > 1);
      if (key !== undefined) return key;
      if (attempt === shareAttempts) throw tooFewShares('spaceKey');
    }
  }

  /** Undefined: with too few good shares. */
  async #askOnce(
    space: string,
    options: CallOptions | undefined,
    isOrdered: boolean,
  ): Promise<Tagger | null | undefined> {
    let answer: { readonly result: Result; readonly shares?: Shares };
    try {
      answer = await this.#raw.call({ kind: 'spaceKey', space }, !isOrdered, options);
    } catch (error) {
      if (error instanceof RefusedError && error.code === 'SPACE_NOT_CONFIDENTIAL') return null;
      throw error;
    }
    const { result, shares } = answer;
    if (result.kind !== 'spaceKey') throw unexpectedResult('spaceKey');
    const { cluster } = await this.#seals!.load();
    const opening = openSpaceKey(cluster, result, readShares(shares, 1)[0]!);
    this.#seals!.note(space, 0n, opening.liars);
    switch (opening.kind) {
      case 'opened':
        return opening.tagger;
      case 'needsShares':
        return undefined;
      case 'expired':
        throw expiredKeys('spaceKey', space);
      case 'bad': {
        const message = `the admin sealed no key for the space "${space}"; it has to be created anew.`;
        throw new RefusedError('SPACE_KEY_DAMAGED', message, { space });
      }
    }
  }
}

function notAsked(operation: string, space: string, { fields }: UnknownOutcomeError): UnavailableError {
  const message = `${operation}: the replicas did not say in time whether the space "${space}" is confidential; nothing was executed.`;
  return new UnavailableError('SERVICE_UNAVAILABLE', message, { ...fields, operation });
}

/** The service refused to tell the key; what was wanted is what the user called. */
function refusedAs(operation: string, { code, message, fields }: RefusedError): RefusedError {
  return new RefusedError(code, message.replace(/^spaceKey:/, `${operation}:`), { ...fields, operation });
}
