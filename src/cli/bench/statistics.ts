/** Few numbers, told as a middle and a range. */

export type Range = readonly [least: number, most: number];

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

export const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));

export function rangeOf(values: readonly number[], digits: number): Range {
  return [rounded(Math.min(...values), digits), rounded(Math.max(...values), digits)];
}

/** `least–most`, or one figure where they are the same. */
export function shownRange([least, most]: Range, digits: number): string {
  const [from, to] = [least.toFixed(digits), most.toFixed(digits)];
  return from === to ? from : `${from}–${to}`;
}
