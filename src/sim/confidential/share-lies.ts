/** Byzantine replicas lie with their shares in every way that a reader could fall for. */
import type { Prng, ReplicaId } from '../../base/index.js';
import type { EntryShare } from '../../codec/index.js';
import type { ShareTampering } from '../sharing.js';

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

/** Which replicas lie, and how; each tells the truth now and then. */
export type ShareLiars = ReadonlyMap<ReplicaId, readonly string[]>;

export function lyingWithShares(liars: ShareLiars, random: Prng): ShareTampering {
  const memories = new Map<ReplicaId, Memory>();
  const streams = new Map([...liars.keys()].map((id) => [id, random.stream(`share lies ${id}`)]));
  return (shares, { replica }) => {
    const lies = liars.get(replica);
    if (lies === undefined) return shares;
    const own = streams.get(replica)!;
    const memory = memories.get(replica) ?? { old: [] };
    memories.set(replica, memory);
    const told = own.chance(1, 5) ? shares : shareLies[own.pick(lies)]!(shares, memory, own);
    if (own.chance(1, 3)) memory.old = shares;
    return told;
  };
}
