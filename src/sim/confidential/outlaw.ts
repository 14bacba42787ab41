/** A client that goes below the library: it sees fingerprints, what is sealed and the shares, and seals what it likes. */
import { assert, sessionId, type ReplicaId } from '../../base/index.js';
import { decodeEntryShares, decodeResult, encodeOperation } from '../../codec/index.js';
import type { Entry, EntryShare, Operation, Origin, Result, Template } from '../../codec/index.js';
import type { RequestName, Shares } from '../../client/index.js';
import { openSpaceKey, type Tagger } from '../../confidential/index.js';
import type { RandomBytes } from '../../crypto/index.js';
import type { SimulatedProcess } from '../cluster/process.js';
import type { Sharing } from '../sharing.js';
import type { Drafted, LyingKit } from './lies.js';

export interface RawAnswer {
  /** Null: unknown. */
  readonly result: Result | null;
  readonly shares: Shares;
}

export interface SealedEntry extends Entry {
  readonly sealed: NonNullable<Entry['sealed']>;
}

/** How something comes into a space. */
export type Way =
  { readonly kind: 'out' } | { readonly kind: 'cas' | 'replace'; readonly template: Template };

const timeoutMs = 8_000;

/** By replica, what it gave for the first thing that is sealed. */
export function firstShares(shares: Shares): Map<ReplicaId, EntryShare> {
  const given = new Map<ReplicaId, EntryShare>();
  for (const [replica, bytes] of shares) {
    const share = decodeEntryShares(bytes)?.[0];
    if (share !== undefined) given.set(replica, share);
  }
  return given;
}

export class Outlaw {
  readonly #process: SimulatedProcess;
  readonly #sharing: Sharing;
  readonly #random: RandomBytes;
  readonly #space: string;
  #tagger: Tagger | null = null;

  constructor(process: SimulatedProcess, sharing: Sharing, space: string, random: RandomBytes) {
    this.#process = process;
    this.#sharing = sharing;
    this.#space = space;
    this.#random = random;
  }

  async ask(operation: Operation): Promise<RawAnswer> {
    return this.#call(encodeOperation(operation));
  }

  /** Null: nobody told. */
  async kit(): Promise<LyingKit | null> {
    const { cluster } = this.#sharing;
    if (this.#tagger === null) {
      const { result, shares } = await this.ask({ kind: 'spaceKey', space: this.#space });
      if (result?.kind !== 'spaceKey') return null;
      const opening = openSpaceKey(cluster, result, firstShares(shares));
      if (opening.kind !== 'opened') return null;
      this.#tagger = opening.tagger;
    }
    return { cluster, tagger: this.#tagger, random: this.#random };
  }

  /** Inserts what `draft` makes for the request. */
  async insert(way: Way, draft: (origin: Origin) => Drafted): Promise<RawAnswer> {
    const space = this.#space;
    const inserter = this.#process.client.publicKey;
    const encode = (request: RequestName): Uint8Array => {
      const { fingerprint, bytes } = draft({ space, inserter, ...request });
      return encodeOperation({ ...way, space, tuple: fingerprint, lease: null, sealed: bytes });
    };
    const { length } = encode({ session: sessionId(1), number: 1 });
    return this.#call({
      length,
      encode: (request) => {
        const bytes = encode(request);
        assert(bytes.length === length, 'a lie is as long whatever the request');
        return bytes;
      },
    });
  }

  async #call(operation: Parameters<SimulatedProcess['driver']['call']>[0]): Promise<RawAnswer> {
    const outcome = await this.#process.driver.call(operation, {}, timeoutMs).outcome;
    if (outcome.kind !== 'result') return { result: null, shares: new Map() };
    return { result: decodeResult(outcome.result), shares: outcome.shares ?? new Map() };
  }
}
