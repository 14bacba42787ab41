/**
 * What confidential spaces need of a simulated cluster (DESIGN section 7): the replicas' sharing keys, drawn from the seed,
 * their shares beside whatever they tell clients, and the verdicts on repairs. The group is loaded ahead, since the
 * simulator is synchronous; how long a replica's share thread takes is drawn.
 */
import { createHash } from 'node:crypto';
import { assert, emptyBytes, type Prng, type ReplicaId } from '../base/index.js';
import { decodeEntryShares, encodeEntryShares, mayContainSealed } from '../codec/index.js';
import type { EntryShare, Outcome, ServerMessage } from '../codec/index.js';
import { createConfidentialCluster, judgeRepair, ShareKeeper } from '../confidential/index.js';
import type { ConfidentialCluster } from '../confidential/index.js';
import { createShareKey, generateShareSecret, type Group, type RandomBytes } from '../crypto/index.js';
import type { ShareKey } from '../crypto/index.js';
import { sha256 } from './authenticator.js';

/** 32 hexadecimal characters, as in a cluster file. */
export const simulatedClusterId = '0'.repeat(32);
export const simulatedKeyGeneration = 1;

/** SHA-512 of a drawn seed and a counter. */
export function drawnBytes(random: Prng): RandomBytes {
  const seed = Uint8Array.from({ length: 32 }, () => random.below(256));
  let counter = 0;
  return (length) => {
    const out = new Uint8Array(length);
    for (let offset = 0; offset < length; offset += 64) {
      const block = createHash('sha512').update(seed).update(String(counter++)).digest();
      out.set(block.subarray(0, Math.min(64, length - offset)), offset);
    }
    return out;
  };
}

/** What a replica has that gives shares. */
export interface ShareSeat {
  readonly replica: ReplicaId;
  readonly cluster: ConfidentialCluster;
  readonly key: ShareKey;
  readonly random: RandomBytes;
}

/** What shares stand beside. */
export interface ToldShares {
  readonly kind: 'result' | 'event';
  readonly bytes: Uint8Array;
}

/** Shares in place of those that the replica owes for a result or event; null: none at all. */
export type ShareTampering = (
  shares: readonly EntryShare[],
  seat: ShareSeat,
  told: ToldShares,
) => readonly EntryShare[] | null;

export interface SharingOptions {
  readonly group: Group;
  readonly n: number;
  readonly random: Prng;
  readonly tampering?: ShareTampering | undefined;
}

/** Mostly the work alone; now and then the thread does not get its turn. */
const workUsMin = 300;
const workUsMax = 3_000;
const stallUsMax = 200_000;

export class Sharing {
  readonly cluster: ConfidentialCluster;
  readonly #seats: readonly ShareSeat[];
  readonly #keepers: readonly ShareKeeper[];
  /** Of each replica's share thread. */
  readonly #delays: readonly Prng[];
  readonly #tampering: ShareTampering | null;
  /** A pure function of the evidence: judged once for all replicas. */
  readonly #verdicts = new Map<string, boolean>();

  constructor({ group, n, random, tampering }: SharingOptions) {
    const bytes = drawnBytes(random.stream('sharing keys'));
    const keys = Array.from({ length: n }, () => createShareKey(group, generateShareSecret(bytes))!);
    const publicKeys = keys.map(({ publicKey }) => publicKey);
    const cluster = createConfidentialCluster(group, simulatedClusterId, simulatedKeyGeneration, publicKeys);
    assert(cluster !== null, 'drawn keys are keys');
    this.cluster = cluster;
    this.#seats = keys.map((key, index) => {
      const replica = index as ReplicaId;
      return { replica, cluster, key, random: drawnBytes(random.stream(`shares ${replica}`)) };
    });
    this.#keepers = this.#seats.map((seat) => new ShareKeeper(seat));
    this.#delays = keys.map((_, index) => random.stream(`share thread ${index}`));
    this.#tampering = tampering ?? null;
  }

  /** What its share thread takes for what it is asked now. */
  drawDelayUs(replica: ReplicaId): number {
    const random = this.#delays[replica]!;
    return random.chance(1, 16) ? random.below(stallUsMax) : random.between(workUsMin, workUsMax);
  }

  /** The message with the replica's shares of what is sealed in it. */
  beside(replica: ReplicaId, message: ServerMessage): ServerMessage {
    switch (message.kind) {
      case 'reply': {
        const shares = message.outcomes.map((outcome: Outcome) =>
          outcome.kind === 'result' ? this.#shares(replica, 'result', outcome.result) : emptyBytes,
        );
        return shares.every(({ length }) => length === 0) ? message : { ...message, shares };
      }
      case 'readReply': {
        const { result } = message;
        return result === null ? message : withShares(message, this.#shares(replica, 'result', result));
      }
      case 'feedEvent':
        return withShares(message, this.#shares(replica, 'event', message.data));
      default:
        return message;
    }
  }

  judge(evidence: Uint8Array): boolean {
    const name = sha256(evidence);
    const verdict = this.#verdicts.get(name) ?? judgeRepair(this.cluster, evidence);
    this.#verdicts.set(name, verdict);
    return verdict;
  }

  #shares(replica: ReplicaId, kind: 'result' | 'event', bytes: Uint8Array): Uint8Array {
    if (!mayContainSealed(bytes)) return emptyBytes;
    const keeper = this.#keepers[replica]!;
    const own = kind === 'result' ? keeper.sharesOfResult(bytes) : keeper.sharesOfEvent(bytes);
    if (this.#tampering === null) return own;
    const shares = this.#tampering(decodeEntryShares(own)!, this.#seats[replica]!, { kind, bytes });
    return shares === null ? emptyBytes : encodeEntryShares(shares);
  }
}

function withShares<M extends ServerMessage>(message: M, shares: Uint8Array): M {
  return shares.length === 0 ? message : { ...message, shares };
}
