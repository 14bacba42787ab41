/**
 * The choice that a NEW-VIEW makes, as a pure function of its VIEW-CHANGEs, so that every backup recomputes
 * it (TOCS'02 section 4.5.1, figure 4). Where the paper collects checkpoints with a weak certificate, each
 * VIEW-CHANGE here carries a proof: the start is the highest proven one, and entries at or below it are ignored.
 */
import { sequenceNumber, type Digest, type SequenceNumber, type ViewNumber } from '../base/index.js';
import type { CheckpointCertificate, ChosenBatch, ViewChange, ViewEntry } from '../codec/index.js';
import { quorumSize, weakQuorumSize } from './quorum.js';

export interface NewViewDecision {
  readonly start: CheckpointCertificate;
  /** Every number from start + 1 to the highest prepared one, ascending. */
  readonly chosen: readonly ChosenBatch[];
}

interface Claims {
  /** P by sequence number. */
  readonly prepared: ReadonlyMap<SequenceNumber, ViewEntry>;
  /** Q by sequence number. */
  readonly prePrepared: ReadonlyMap<SequenceNumber, readonly ViewEntry[]>;
}

function claimsOf(viewChange: ViewChange): Claims {
  const prepared = new Map(viewChange.prepared.map((entry) => [entry.sequenceNumber, entry]));
  const prePrepared = new Map<SequenceNumber, ViewEntry[]>();
  for (const entry of viewChange.prePrepared) {
    const known = prePrepared.get(entry.sequenceNumber);
    if (known === undefined) prePrepared.set(entry.sequenceNumber, [entry]);
    else known.push(entry);
  }
  return { prepared, prePrepared };
}

/** How many say what a decision rests on. */
export interface Thresholds {
  readonly quorum: number;
  readonly weakQuorum: number;
}

const thresholdsOf = (n: number): Thresholds => ({ quorum: quorumSize(n), weakQuorum: weakQuorumSize(n) });

/** Null while S leaves a number undecided: then further VIEW-CHANGEs have to be waited for. */
export function decideNewView(
  n: number,
  nullDigest: Digest,
  viewChanges: readonly ViewChange[],
  thresholds = thresholdsOf(n),
): NewViewDecision | null {
  if (viewChanges.length < thresholds.quorum) return null;
  let start = viewChanges[0]!.checkpoint;
  let last = 0;
  for (const { checkpoint, prepared } of viewChanges) {
    if (checkpoint.sequenceNumber > start.sequenceNumber) start = checkpoint;
    for (const entry of prepared) last = Math.max(last, entry.sequenceNumber);
  }
  const claims = viewChanges.map(claimsOf);
  const chosen: ChosenBatch[] = [];
  for (let number = start.sequenceNumber + 1; number <= last; number++) {
    const digest = chooseDigest(thresholds, claims, sequenceNumber(number), nullDigest);
    if (digest === null) return null;
    chosen.push({ sequenceNumber: sequenceNumber(number), digest });
  }
  return { start, chosen };
}

/** Candidates in a fixed order, highest view first, so that everybody finds the same one. */
function candidatesFor(claims: readonly Claims[], number: SequenceNumber): ViewEntry[] {
  const byKey = new Map<string, ViewEntry>();
  for (const { prepared } of claims) {
    const entry = prepared.get(number);
    if (entry !== undefined) byKey.set(`${entry.view}:${entry.digest}`, entry);
  }
  return [...byKey.values()].sort((a, b) => b.view - a.view || (a.digest < b.digest ? -1 : 1));
}

function chooseDigest(
  thresholds: Thresholds,
  claims: readonly Claims[],
  number: SequenceNumber,
  nullDigest: Digest,
): Digest | null {
  for (const { view, digest } of candidatesFor(claims, number)) {
    const isUncontested = isUndisputed(thresholds, claims, number, view, digest);
    if (isUncontested && isSupported(thresholds, claims, number, view, digest)) return digest;
  }
  // Condition B: a quorum prepared nothing at this number, so nothing was committed there.
  const idle = claims.filter(({ prepared }) => !prepared.has(number)).length;
  return idle >= thresholds.quorum ? nullDigest : null;
}

/** Condition A1: a quorum prepared nothing later, and nothing else in the same view. */
function isUndisputed(
  { quorum }: Thresholds,
  claims: readonly Claims[],
  number: SequenceNumber,
  view: ViewNumber,
  digest: Digest,
): boolean {
  const agreeing = claims.filter(({ prepared }) => {
    const entry = prepared.get(number);
    return entry === undefined || entry.view < view || (entry.view === view && entry.digest === digest);
  });
  return agreeing.length >= quorum;
}

/** Condition A2: f+1 accepted this digest in that view or a later one, so a correct one did. */
function isSupported(
  { weakQuorum }: Thresholds,
  claims: readonly Claims[],
  number: SequenceNumber,
  view: ViewNumber,
  digest: Digest,
): boolean {
  const supporting = claims.filter(({ prePrepared }) =>
    (prePrepared.get(number) ?? []).some((entry) => entry.digest === digest && entry.view >= view),
  );
  return supporting.length >= weakQuorum;
}
