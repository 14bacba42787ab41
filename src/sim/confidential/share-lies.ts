/** Byzantine replicas lie with their shares in every way that a reader could fall for. */
import type { Prng, ReplicaId } from '../../base/index.js';
import type { EntryShare } from '../../codec/index.js';
import { subjectsOfEvent, subjectsOfResult } from '../../confidential/index.js';
import type { ShareSeat, ShareTampering, ToldShares } from '../sharing.js';
import { secondShare } from './two-keys.js';

type ShareOf<Kind extends EntryShare['kind']> = Extract<EntryShare, { kind: Kind }>;
const isShare = (share: EntryShare): share is ShareOf<'share'> => share.kind === 'share';

/** What a liar of several kinds did last. */
interface Memory {
  old: readonly EntryShare[];
}

type ShareLie = (shares: readonly EntryShare[], memory: Memory, random: Prng) => readonly EntryShare[] | null;

const flipped = (bytes: Uint8Array): Uint8Array => bytes.map((byte, at) => (at === 0 ? byte ^ 1 : byte));

export const shareLies: Readonly<Record<string, ShareLie>> = {
  'no-shares': () => null,
  'too-few-shares': (shares) => shares.slice(1),
  'too-many-shares': (shares) => [...shares, ...shares],
  'bad-part': (shares) => shares.map(() => ({ kind: 'badPart' })),
  'no-points': (shares) =>
    shares.map((share) => (isShare(share) ? { ...share, point: new Uint8Array(32).fill(255) } : share)),
  'bent-points': (shares) =>
    shares.map((share) => (isShare(share) ? { ...share, point: flipped(share.point) } : share)),
  'bent-proofs': (shares) =>
    shares.map((share) =>
      isShare(share) ? { ...share, proof: { ...share.proof, response: share.proof.challenge } } : share,
    ),
  'replayed-shares': (shares, { old }) => shares.map((share, at) => old[at] ?? old[0] ?? share),
  'swapped-shares': (shares) => shares.toReversed(),
};

/** For whoever combines it with those of f others, whoever they are: nobody knows in which order shares come. */
function asAgreed(
  shares: readonly EntryShare[],
  seat: ShareSeat,
  { kind, bytes }: ToldShares,
  random: Prng,
): readonly EntryShare[] {
  const subjects = kind === 'event' ? subjectsOfEvent(bytes) : subjectsOfResult(bytes);
  const { threshold, publicKeys } = seat.cluster.shareholders;
  const partners = publicKeys.map((_, at) => at + 1).filter((index) => index !== seat.replica + 1);
  while (partners.length >= threshold) partners.splice(random.below(partners.length), 1);
  return shares.map((share, at) => secondShare(share, subjects[at]!.sealed, seat, partners));
}

/** Which replicas lie, and how; each tells the truth now and then. */
export type ShareLiars = ReadonlyMap<ReplicaId, readonly string[]>;

export function lyingWithShares(liars: ShareLiars, random: Prng): ShareTampering {
  const memories = new Map<ReplicaId, Memory>();
  const streams = new Map([...liars.keys()].map((id) => [id, random.stream(`share lies ${id}`)]));
  return (shares, seat, told) => {
    const { replica } = seat;
    const lies = liars.get(replica);
    if (lies === undefined) return shares;
    const own = streams.get(replica)!;
    const memory = memories.get(replica) ?? { old: [] };
    memories.set(replica, memory);
    const agreed = own.chance(1, 2) ? asAgreed(shares, seat, told, own) : shares;
    const given = own.chance(1, 3) ? agreed : shareLies[own.pick(lies)]!(agreed, memory, own);
    if (own.chance(1, 3)) memory.old = shares;
    return given;
  };
}
