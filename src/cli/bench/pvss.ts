/**
 * What the secret sharing behind confidential tuples costs, in this process and without a cluster: each step of a tuple's
 * life, with both groups, against the bars that were set for n = 4. Medians, since the machine does other things too.
 */
import { assert, clientId, replicaId, sessionId } from '../../base/index.js';
import { createTagger, fingerprintTuple, openEntry, prepareSealing } from '../../confidential/index.js';
import { protectionsOf, sealTuple, shareOf } from '../../confidential/index.js';
import type { Tagger } from '../../confidential/index.js';
import {
  combineShares,
  createShareKey,
  createShareholders,
  createTagKey,
  finishDealing,
  freshBytes,
  generateShareSecret,
  generateTagSecret,
  loadGroup,
  openDealing,
  prepareDealing,
  verifyDealing,
  verifyPart,
  verifyShare,
} from '../../crypto/index.js';
import type { Group, ShareKey, Shareholders, TagKey } from '../../crypto/index.js';
import { median } from './statistics.js';

export const pvssSteps = [
  'prepare',
  'finish',
  'deal',
  'verifyOwn',
  'verifyAll',
  'decryptAndProve',
  'verifyShare',
  'combine',
  'tag',
  'sealTuple',
  'giveShare',
  'openTuple',
] as const;
export type PvssStep = (typeof pvssSteps)[number];

/** Most milliseconds that a step may take at n = 4, with the group that is in use. */
export const pvssBarsMs: Readonly<Partial<Record<PvssStep, number>>> = {
  deal: 3,
  verifyOwn: 0.6,
  decryptAndProve: 0.6,
  combine: 0.4,
};

export interface PvssFigures {
  readonly group: Group['name'];
  readonly replicas: number;
  /**
   * Median of each step in ms. `deal` is prepare and finish. The last three are what a client does at the moment of sending,
   * a replica on a reply and a client with f + 1 replies, for a tuple of three comparable fields with tags known.
   */
  readonly ms: Readonly<Record<PvssStep, number>>;
}

const random = freshBytes;
const context = random(300);

interface Circle {
  readonly keys: readonly ShareKey[];
  readonly shareholders: Shareholders;
  readonly tagKey: TagKey;
  readonly tagger: Tagger;
}

/** Keys live long: what is computed ahead for them does not count. */
function createCircle(group: Group, replicas: number): Circle {
  const keys = Array.from({ length: replicas }, () => createShareKey(group, generateShareSecret(random))!);
  const threshold = Math.floor((replicas - 1) / 3) + 1;
  const encodedKeys = keys.map(({ publicKey }) => publicKey);
  const shareholders = createShareholders(group, threshold, encodedKeys)!;
  const secret = generateTagSecret(random);
  const [tagKey, tagger] = [createTagKey(group, secret)!, createTagger(group, secret)!];
  return { keys, shareholders, tagKey, tagger };
}

type Clock = <T>(step: PvssStep, work: () => T) => T;

/** A tuple's way through the confidential room. */
function timeTuple(group: Group, { keys, shareholders, tagger }: Circle, time: Clock): boolean {
  const cluster = { group, clusterId: 'ab'.repeat(16), keyGeneration: 1, shareholders };
  const inserter = clientId('cd'.repeat(32));
  const origin = { space: 'bench', inserter, session: sessionId(1), number: 1 };
  const tuple = ['bench', 17, random(48)];
  const fingerprint = fingerprintTuple(tuple, protectionsOf(tuple.length), tagger);
  const prepared = prepareSealing(cluster, random);
  const bytes = time('sealTuple', () => sealTuple(cluster, prepared, origin, tuple, fingerprint));
  const sealed = { bytes, ...origin };
  const about = { sealed, subject: { kind: 'tuple', fingerprint } } as const;
  const share = (at: number) => shareOf(cluster, replicaId(at), keys[at]!, about, random);
  const first = time('giveShare', () => share(0));
  const others = keys.slice(1, shareholders.threshold).map((_, at) => share(at + 1));
  const replies = new Map([first, ...others].map((reply, at) => [replicaId(at), reply]));
  const entry = { id: 1n, tuple: fingerprint, sealed };
  return time('openTuple', () => openEntry(cluster, tagger, entry, replies, random)).kind === 'tuple';
}

/** Times one round of everything, each step checked. */
function timeRound(group: Group, circle: Circle): Record<PvssStep, number> {
  const { keys, shareholders, tagKey } = circle;
  const { threshold } = shareholders;
  const ms = Object.fromEntries(pvssSteps.map((step) => [step, 0])) as Record<PvssStep, number>;
  const time: Clock = (step, work) => {
    const beganMs = performance.now();
    const result = work();
    ms[step] = performance.now() - beganMs;
    return result;
  };
  const prepared = time('prepare', () => prepareDealing(group, shareholders, random));
  const { dealing, digest } = time('finish', () => finishDealing(prepared, () => context));
  ms.deal = ms.prepare + ms.finish;
  const isOwnGood = time('verifyOwn', () => {
    const opened = openDealing(group, shareholders, dealing, context);
    return opened !== null && verifyPart(group, shareholders, opened, keys.length);
  });
  const isAllGood = time('verifyAll', () => verifyDealing(group, shareholders, dealing, context));
  const share = (at: number) => keys[at]!.decrypt(digest, at + 1, dealing.encryptedShares[at]!, random);
  const first = time('decryptAndProve', () => share(0));
  const isShareGood = time('verifyShare', () =>
    verifyShare(group, shareholders, digest, dealing.encryptedShares[0]!, first),
  );
  const shares = [first, ...keys.slice(1, threshold).map((_, at) => share(at + 1))];
  const secret = time('combine', () => combineShares(group, threshold, shares));
  time('tag', () => tagKey.tag(context));
  const isOpened = timeTuple(group, circle, time);
  assert(
    isOpened && isOwnGood && isAllGood && isShareGood && secret !== null,
    'honest dealings verify and open',
  );
  return ms;
}

function measure(group: Group, replicas: number, milliseconds: number): PvssFigures {
  const rounds: Record<PvssStep, number>[] = [];
  const circle = createCircle(group, replicas);
  // The first rounds compile.
  for (let warmUp = 0; warmUp < 10; warmUp++) timeRound(group, circle);
  const endMs = performance.now() + milliseconds;
  while (rounds.length < 5 || performance.now() < endMs) rounds.push(timeRound(group, circle));
  const ms = pvssSteps.map((step) => [step, median(rounds.map((round) => round[step]))]);
  return { group: group.name, replicas, ms: Object.fromEntries(ms) as Record<PvssStep, number> };
}

/** For both groups at n = 4 and n = 10, about `milliseconds` each. */
export async function runPvss(milliseconds: number): Promise<PvssFigures[]> {
  const figures: PvssFigures[] = [];
  for (const name of ['sodium', 'noble'] as const) {
    const group = await loadGroup(name);
    for (const replicas of [4, 10]) figures.push(measure(group, replicas, milliseconds));
  }
  return figures;
}
