/**
 * What the secret sharing behind confidential tuples costs, in this process and without a cluster: each step of a tuple's
 * life, with both groups, against the bars that were set for n = 4. Medians, since the machine does other things too.
 */
import { randomBytes } from 'node:crypto';
import { assert } from '../../base/index.js';
import {
  combineShares,
  createShareKey,
  createShareholders,
  createTagKey,
  finishDealing,
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
import { median } from './lease-scale.js';

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
  /** Median of each step in ms. `deal` is prepare and finish; all else is as named. */
  readonly ms: Readonly<Record<PvssStep, number>>;
}

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
const context = random(300);

interface Circle {
  readonly keys: readonly ShareKey[];
  readonly shareholders: Shareholders;
  readonly tagKey: TagKey;
}

/** Keys live long: what is computed ahead for them does not count. */
function createCircle(group: Group, replicas: number): Circle {
  const keys = Array.from({ length: replicas }, () => createShareKey(group, generateShareSecret(random))!);
  const threshold = Math.floor((replicas - 1) / 3) + 1;
  const encodedKeys = keys.map(({ publicKey }) => publicKey);
  const shareholders = createShareholders(group, threshold, encodedKeys)!;
  return { keys, shareholders, tagKey: createTagKey(group, generateTagSecret(random))! };
}

/** Times one round of everything, each step checked. */
function timeRound(group: Group, { keys, shareholders, tagKey }: Circle): Record<PvssStep, number> {
  const { threshold } = shareholders;
  const ms = Object.fromEntries(pvssSteps.map((step) => [step, 0])) as Record<PvssStep, number>;
  const time = <T>(step: PvssStep, work: () => T): T => {
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
  assert(isOwnGood && isAllGood && isShareGood && secret !== null, 'honest dealings verify and open');
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
