/**
 * What a primary is expected to do, learnt from what primaries did (Clement et al., Aardvark, NSDI'09, section 4.3).
 * A primary may be slow without ever missing a timeout; how fast it could be, only the others show.
 *
 * Time counts while an envelope waits here (busy), so the load sets no expectation by itself. A window of busy time
 * gives a point: work per busy second, and mean time from an envelope's arrival here to its execution. Throughput grows
 * with the number of requests under way, ever more slowly; so whoever gives less work per second than another did, and
 * also lets each request wait longer, does not lack demand but is slow. (Less work at a shorter wait is less load; more
 * work at a longer wait is more load.) Points of the last n-1 views that were measured are kept: once all of them are as slow,
 * that is how fast the cluster is now. A primary that passes somebody over counts as slow as well. Plain data and
 * functions of it; slow-primary.ts decides what follows.
 */
import type { ReplicaId, ViewNumber } from '../base/index.js';
import { createWatch, type Watch } from './passing-over.js';

interface Point {
  /** Work per second of busy time. */
  rate: number;
  turnaroundMs: number;
  windows: number;
}

interface ViewRecord {
  readonly view: ViewNumber;
  /** By the power of two that the rate lies above; each the mean of its windows. */
  readonly points: Map<number, Point>;
}

interface Window {
  busyMs: number;
  /** Busy time in which no batch was under way here. */
  idleMs: number;
  work: number;
  turnaroundSumMs: number;
  turnarounds: number;
  /** Whether somebody was passed over (passing-over.ts). */
  isUnfair: boolean;
}

/** A peer said that it found the primary of a view too slow. */
export interface SlowWord {
  readonly view: ViewNumber;
  readonly saidMs: number;
  /** Whether it still says so. */
  readonly stands: boolean;
}

export interface Expectation {
  /** The last views that were measured, oldest first. */
  readonly records: ViewRecord[];
  window: Window;
  /** Who might be passed over now. */
  watch: Watch;
  /** Grows with each window in which the primary was too slow, and shrinks with each in which it was not. */
  slowness: number;
  /** The view whose primary is found too slow; null: none is. */
  slowView: ViewNumber | null;
  /** When the primary of this view was last found so, and when a peer last left this view; null: never. */
  foundSlowMs: number | null;
  peerLeftMs: number | null;
  /** What each peer said last of a slow primary. */
  readonly slowWords: Map<ReplicaId, SlowWord>;
  /** A primary is given twice the time for each view left for slowness of late. */
  graceDoublings: number;
  graceChangedMs: number;
}

export interface ExpectationLimits {
  /** A primary is too slow below this part of another's rate at more than the inverse part of its turnaround. */
  readonly percent: number;
  /** Turnarounds do not count as different within this. */
  readonly slackMs: number;
  readonly windowMs: number;
  /** Views that are remembered. */
  readonly recordsMax: number;
  /** Others that have to be known before a primary counts as compared. */
  readonly comparedWith: number;
}

/** Fewer envelopes than this make no mean. */
const turnaroundsMin = 4;
/** Three windows in succession, or more than two of five for longer: a primary that is fast now and then shall not stay. */
const slownessMax = 9;
const slownessOfSlow = 3;
const slownessOfOther = -2;
/** Of the mean of a point's windows, so that it follows when things change. */
const weightMax = 16;
const graceDoublingsMax = 4;
const graceHalvedAfterMs = 60_000;
/** A primary that was never compared is suspected beyond this, if most of the time is its own. */
const uncomparedTurnaroundMs = 50;

/** An envelope costs a signature, its bytes their digests and copies: what these are worth in operations. */
export const workOf = (operations: number, envelopes: number, bytes: number): number =>
  operations + 8 * envelopes + bytes / 1_024;

const createWindow = (): Window => ({
  busyMs: 0,
  idleMs: 0,
  work: 0,
  turnaroundSumMs: 0,
  turnarounds: 0,
  isUnfair: false,
});

export const createExpectation = (): Expectation => ({
  records: [],
  window: createWindow(),
  watch: createWatch(),
  slowness: 0,
  slowView: null,
  foundSlowMs: null,
  peerLeftMs: null,
  slowWords: new Map(),
  graceDoublings: 0,
  graceChangedMs: 0,
});

/** Nothing of what came before is about this primary, or this time is nobody's. */
export function restartWindow(expectation: Expectation): void {
  if (expectation.window.busyMs > 0 || expectation.window.work > 0) expectation.window = createWindow();
}

/** Another view: its primary starts anew. */
export function expectAnew(expectation: Expectation): void {
  expectation.window = createWindow();
  expectation.watch = createWatch();
  expectation.slowness = 0;
  expectation.slowView = null;
  expectation.foundSlowMs = null;
  expectation.peerLeftMs = null;
}

/** Time passed while an envelope waited here. */
export function noteBusy({ window }: Expectation, ms: number, isIdle: boolean): void {
  window.busyMs += ms;
  if (isIdle) window.idleMs += ms;
}

export function noteWork({ window }: Expectation, work: number): void {
  window.work += work;
}

export function noteTurnaround({ window }: Expectation, ms: number): void {
  window.turnaroundSumMs += ms;
  window.turnarounds += 1;
}

export function noteUnfair({ window }: Expectation): void {
  window.isUnfair = true;
}

/** Judges the primary of `view` by the window if there is enough in it. */
export function closeWindow(
  expectation: Expectation,
  view: ViewNumber,
  limits: ExpectationLimits,
  nowMs: number,
): void {
  const { window } = expectation;
  if (window.busyMs < limits.windowMs || window.turnarounds < turnaroundsMin) return;
  expectation.window = createWindow();
  const rate = (window.work * 1_000) / window.busyMs;
  const turnaroundMs = window.turnaroundSumMs / window.turnarounds;
  const isSlow =
    window.isUnfair ||
    isOutdone(expectation, rate, turnaroundMs, limits) ||
    isUncompared(expectation, view, window, turnaroundMs, limits);
  addPoint(expectation, view, rate, turnaroundMs, limits.recordsMax);
  const slowness = expectation.slowness + (isSlow ? slownessOfSlow : slownessOfOther);
  expectation.slowness = Math.max(0, Math.min(slowness, slownessMax));
  expectation.slowView = expectation.slowness >= slownessMax ? view : null;
  if (isSlow || expectation.graceDoublings === 0) expectation.graceChangedMs = nowMs;
  else if (nowMs - expectation.graceChangedMs >= graceHalvedAfterMs) {
    expectation.graceDoublings -= 1;
    expectation.graceChangedMs = nowMs;
  }
}

/** Some primary gave more, and let nobody wait as long. */
function isOutdone(
  { records }: Expectation,
  rate: number,
  turnaroundMs: number,
  { percent, slackMs }: ExpectationLimits,
): boolean {
  const part = percent / 100;
  for (const { points } of records) {
    for (const other of points.values())
      if (rate < part * other.rate && other.turnaroundMs + slackMs < part * turnaroundMs) return true;
  }
  return false;
}

/**
 * A primary that leaves most of the time unused shall be compared with others. At most so many views end for this in the
 * life of a replica.
 */
function isUncompared(
  { records }: Expectation,
  view: ViewNumber,
  { busyMs, idleMs }: Window,
  turnaroundMs: number,
  { comparedWith }: ExpectationLimits,
): boolean {
  const others = records.filter((record) => record.view !== view).length;
  return others < comparedWith && turnaroundMs > uncomparedTurnaroundMs && 3 * idleMs > 2 * busyMs;
}

function addPoint(
  { records }: Expectation,
  view: ViewNumber,
  rate: number,
  turnaroundMs: number,
  recordsMax: number,
): void {
  let record = records.at(-1);
  if (record?.view !== view) {
    record = { view, points: new Map() };
    records.push(record);
    if (records.length > recordsMax) records.shift();
  }
  const bucket = 31 - Math.clz32(Math.max(1, rate));
  const point = record.points.get(bucket) ?? { rate: 0, turnaroundMs: 0, windows: 0 };
  point.windows += 1;
  const weight = 1 / Math.min(point.windows, weightMax);
  point.rate += (rate - point.rate) * weight;
  point.turnaroundMs += (turnaroundMs - point.turnaroundMs) * weight;
  record.points.set(bucket, point);
}

/** How long a primary is left alone at first. */
export const graceMsOf = ({ graceDoublings }: Expectation, graceMs: number): number =>
  graceMs * 2 ** graceDoublings;

/** A view was left for slowness. */
export function doubleGrace(expectation: Expectation, nowMs: number): void {
  expectation.graceDoublings = Math.min(expectation.graceDoublings + 1, graceDoublingsMax);
  expectation.graceChangedMs = nowMs;
}
