/**
 * The reader's side: from f + 1 shares to the tuple. Shares are combined as they come; only what then does not open and fit is
 * looked at closely: which replicas sent wrong shares, and whether the dealer lied, which is worth a repair. Among the
 * replies of n − f replicas that answered alike are f + 1 good shares, so one of the two comes out.
 */
import { equalBytes } from '../base/index.js';
import type { ReplicaId } from '../base/index.js';
import type { Entry, EntryShare, PlainTuple, Sealed, Tuple } from '../codec/index.js';
import { badParts, combineShares, verifyShare } from '../crypto/index.js';
import type { RandomBytes, Share } from '../crypto/index.js';
import type { ConfidentialCluster } from './cluster.js';
import { createTagger, wrongTagIndex } from './fingerprint.js';
import type { Tagger } from './fingerprint.js';
import { readSeal } from './opened-seal.js';
import type { OpenedSeal } from './opened-seal.js';
import { createRepairEvidence } from './repair.js';
import { tupleWith, unsealWith } from './unsealing.js';

/** What replicas whose results were equal added to them for one entry; a replica without is left out. */
export type ShareReplies = ReadonlyMap<ReplicaId, EntryShare>;

export type EntryOpening = (
  | { readonly kind: 'tuple'; readonly tuple: PlainTuple }
  /** The entry is no good; `evidence` for a repair proves it. */
  | { readonly kind: 'bad'; readonly evidence: Uint8Array }
  /** Ask again with the shares of more replicas. */
  | { readonly kind: 'needsShares' }
  /** Sealed for an earlier generation of keys. */
  | { readonly kind: 'expired' }
) & {
  /** Replicas that are faulty: they sent what no correct one sends. */
  readonly liars: readonly ReplicaId[];
};

export type SpaceKeyOpening = (
  | { readonly kind: 'opened'; readonly tagger: Tagger }
  /** Whoever created the space sealed no key to its tags. */
  | { readonly kind: 'bad' }
  | { readonly kind: 'needsShares' }
  | { readonly kind: 'expired' }
) & { readonly liars: readonly ReplicaId[] };

const ascending = (a: Share, b: Share): number => a.index - b.index;

function sharesIn(replies: ShareReplies, count: number): Share[] {
  const shares: Share[] = [];
  for (const [replica, reply] of replies) {
    if (reply.kind !== 'share' || replica >= count) continue;
    shares.push({ index: replica + 1, point: reply.point, proof: reply.proof });
  }
  return shares;
}

/** What the first f + 1 shares give, unverified. */
function tryShares<T>(
  { group, shareholders: { threshold } }: ConfidentialCluster,
  shares: readonly Share[],
  use: (secret: Uint8Array) => T | null,
): T | null {
  if (shares.length < threshold) return null;
  const secret = combineShares(group, threshold, shares.slice(0, threshold));
  if (secret === null) return null;
  const result = use(secret);
  secret.fill(0);
  return result;
}

interface Examination {
  readonly isDealingGood: boolean;
  /** Of a good dealing, those that are what was dealt; ascending. */
  readonly good: readonly Share[];
  readonly liars: readonly ReplicaId[];
}

/** Verifies the dealing and every share. */
function examine(
  { group, shareholders }: ConfidentialCluster,
  { dealing }: OpenedSeal,
  replies: ShareReplies,
): Examination {
  const bad = badParts(group, shareholders, dealing);
  const liars: ReplicaId[] = [];
  const good: Share[] = [];
  for (const [replica, reply] of replies) {
    const index = replica + 1;
    if (index > shareholders.publicKeys.length) continue;
    const isPartBad = bad.includes(index);
    if ((reply.kind === 'badPart') !== isPartBad) liars.push(replica);
    if (reply.kind === 'badPart' || isPartBad) continue;
    const share = { index, point: reply.point, proof: reply.proof };
    const encryptedShare = dealing.dealing.encryptedShares[replica]!;
    if (verifyShare(group, shareholders, dealing.digest, encryptedShare, share)) good.push(share);
    else liars.push(replica);
  }
  return { isDealingGood: bad.length === 0, good: good.sort(ascending), liars };
}

/** Of an unreadable seal no correct replica gives a share. */
function givers(replies: ShareReplies): ReplicaId[] {
  return [...replies].filter(([, reply]) => reply.kind === 'share').map(([replica]) => replica);
}

/** Opens an entry that has something sealed in it; `tagger` is that of its space. */
export function openEntry(
  cluster: ConfidentialCluster,
  tagger: Tagger,
  entry: Pick<Entry, 'id' | 'tuple'> & { readonly sealed: Sealed },
  replies: ShareReplies,
  random: RandomBytes,
): EntryOpening {
  const fingerprint: Tuple = entry.tuple;
  const about = { id: entry.id, fingerprint, sealed: entry.sealed, tagKey: tagger.tagKey };
  const reading = readSeal(cluster, entry.sealed, { kind: 'tuple', fingerprint });
  if (reading.kind === 'expired') return { kind: 'expired', liars: [] };
  const withoutShares = (): Uint8Array => createRepairEvidence(about, { shares: [], rightTag: null });
  if (reading.kind === 'bad') return { kind: 'bad', evidence: withoutShares(), liars: givers(replies) };

  const { seal } = reading;
  const open = (secret: Uint8Array): PlainTuple | null => tupleWith(secret, seal, fingerprint);
  const shares = sharesIn(replies, cluster.shareholders.publicKeys.length);
  const first = tryShares(cluster, shares, open);
  if (first !== null && wrongTagIndex(fingerprint, first, tagger) < 0)
    return { kind: 'tuple', tuple: first, liars: [] };

  const { isDealingGood, good, liars } = examine(cluster, seal, replies);
  if (!isDealingGood) return { kind: 'bad', evidence: withoutShares(), liars };
  const { threshold } = cluster.shareholders;
  if (good.length < threshold) return { kind: 'needsShares', liars };
  const used = good.slice(0, threshold);
  const tuple = tryShares(cluster, used, open);
  const wrongTag = tuple === null ? -1 : wrongTagIndex(fingerprint, tuple, tagger);
  if (tuple !== null && wrongTag < 0) return { kind: 'tuple', tuple, liars };
  const rightTag =
    tuple === null
      ? null
      : {
          field: wrongTag,
          tag: tagger.tag(tuple[wrongTag]!).point,
          proof: tagger.prove(tuple[wrongTag]!, random),
        };
  return { kind: 'bad', evidence: createRepairEvidence(about, { shares: used, rightTag }), liars };
}

/** Opens what a space's clients make tags with, as the operation `spaceKey` answers it. */
export function openSpaceKey(
  cluster: ConfidentialCluster,
  { tagKey, sealed }: { readonly tagKey: Uint8Array; readonly sealed: Sealed },
  replies: ShareReplies,
): SpaceKeyOpening {
  const reading = readSeal(cluster, sealed, { kind: 'spaceKey', tagKey });
  if (reading.kind === 'expired') return { kind: 'expired', liars: [] };
  if (reading.kind === 'bad') return { kind: 'bad', liars: givers(replies) };
  const open = (secret: Uint8Array): Tagger | null => {
    const opened = unsealWith(secret, reading.seal);
    const tagger = opened === null ? null : createTagger(cluster.group, opened);
    opened?.fill(0);
    return tagger !== null && equalBytes(tagger.tagKey, tagKey) ? tagger : null;
  };
  const { threshold, publicKeys } = cluster.shareholders;
  const first = tryShares(cluster, sharesIn(replies, publicKeys.length), open);
  if (first !== null) return { kind: 'opened', tagger: first, liars: [] };
  const { isDealingGood, good, liars } = examine(cluster, reading.seal, replies);
  if (!isDealingGood) return { kind: 'bad', liars };
  if (good.length < threshold) return { kind: 'needsShares', liars };
  const tagger = tryShares(cluster, good, open);
  return tagger === null ? { kind: 'bad', liars } : { kind: 'opened', tagger, liars };
}
