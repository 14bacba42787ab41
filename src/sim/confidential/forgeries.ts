/** Dishonest readers: evidence that proves nothing, or something about another entry (pitfall 36). */
import type { ReplicaId } from '../../base/index.js';
import { encodeRepairEvidence, encodeRepairProof, Tag } from '../../codec/index.js';
import type { EntryShare, RepairProof } from '../../codec/index.js';
import { openEntry } from '../../confidential/index.js';
import { lies, type LyingKit } from './lies.js';
import type { SealedEntry } from './outlaw.js';

/** What a forger has: an entry, the shares that came with it, and the evidence that others have shown. */
export interface Booty {
  readonly kit: LyingKit;
  readonly entry: SealedEntry;
  readonly shares: ReadonlyMap<ReplicaId, EntryShare>;
  readonly others: readonly Uint8Array[];
}

type Forgery = (booty: Booty) => Uint8Array;

function evidence({ kit, entry }: Booty, proof: RepairProof, fingerprint = entry.tuple): Uint8Array {
  const { id, sealed } = entry;
  const subject = { id, fingerprint, sealed, tagKey: kit.tagger.tagKey };
  return encodeRepairEvidence({ subject, proof: encodeRepairProof(proof) });
}

function sharesIn({ kit, shares }: Booty): RepairProof['shares'] {
  const given = [...shares].flatMap(([replica, share]) =>
    share.kind === 'share' ? [{ index: replica + 1, point: share.point, proof: share.proof }] : [],
  );
  given.sort((a, b) => a.index - b.index);
  return given.slice(0, kit.cluster.shareholders.threshold);
}

/** Something that is no good, of which the service has never heard. */
function ownLie({ kit, entry }: Booty): Uint8Array {
  const { fingerprint, bytes } = lies[0]!.draft(kit, entry.sealed);
  const subject = {
    id: entry.id,
    fingerprint,
    sealed: { ...entry.sealed, bytes },
    tagKey: kit.tagger.tagKey,
  };
  return encodeRepairEvidence({ subject, proof: encodeRepairProof({ shares: [], rightTag: null }) });
}

export const forgeries: Readonly<Record<string, Forgery>> = {
  noise: () => Uint8Array.of(1, 2, 3),
  'no-shares': (booty) => evidence(booty, { shares: [], rightTag: null }),
  'good-shares': (booty) => evidence(booty, { shares: sharesIn(booty), rightTag: null }),
  'too-few-shares': (booty) => evidence(booty, { shares: sharesIn(booty).slice(1), rightTag: null }),
  'bent-shares': (booty) => {
    const shares = sharesIn(booty);
    const bent = shares.map((share, at) => ({ ...share, point: shares[(at + 1) % shares.length]!.point }));
    return evidence(booty, { shares: bent, rightTag: null });
  },
  'other-tag': (booty) => {
    const { tagger, random } = booty.kit;
    const rightTag = { field: 1, tag: tagger.tag(43).point, proof: tagger.prove(43, random) };
    return evidence(booty, { shares: sharesIn(booty), rightTag });
  },
  'other-fingerprint': (booty) => {
    const { entry, kit } = booty;
    const tag = kit.tagger.tag('another');
    const fingerprint = entry.tuple.map((field) => (field instanceof Tag ? tag : field));
    return evidence(booty, { shares: [], rightTag: null }, fingerprint);
  },
  'own-lie': ownLie,
  'other-entry': (booty) => {
    const { kit, entry } = booty;
    const { fingerprint, bytes } = lies[1]!.draft(kit, entry.sealed);
    const lie = { id: entry.id, tuple: fingerprint, sealed: { ...entry.sealed, bytes } };
    const opening = openEntry(kit.cluster, kit.tagger, lie, new Map(), kit.random);
    return opening.kind === 'bad' ? opening.evidence : Uint8Array.of(0);
  },
  'shown-before': ({ others }) => others.at(-1) ?? new Uint8Array(0),
  'shown-long-before': ({ others }) => others[0] ?? new Uint8Array(0),
};
