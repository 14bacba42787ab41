/** `bench compare`: two files of results side by side, and what they were measured under if it differs. */
import { readFileSync } from 'node:fs';
import { InvalidInputError } from '../../base/index.js';
import { exitStatus, type ExitStatus } from '../errors.js';
import type { Output } from '../output.js';
import { shownRange, type Range } from './statistics.js';

/** One line of a file of results. */
export type BenchRecord = Readonly<Record<string, unknown>> & { readonly scenario: string };

export interface Figure {
  readonly value: number;
  /** Of the rounds, where there were several. */
  readonly range: Range | null;
}

export interface Comparison {
  /** Scenario and point. */
  readonly name: string;
  readonly figure: string;
  readonly first: Figure;
  readonly second: Figure;
  /** Second to first. */
  readonly ratio: number;
}

export interface Difference {
  readonly name: string;
  readonly condition: string;
  readonly first: unknown;
  readonly second: unknown;
}

export interface ComparedFiles {
  readonly comparisons: readonly Comparison[];
  readonly differences: readonly Difference[];
  readonly onlyInFirst: readonly string[];
  readonly onlyInSecond: readonly string[];
}

/** What a figure depends on, as opposed to what was measured. */
const conditions = [
  ...['replicas', 'concurrency', 'identities', 'payloadBytes', 'ratePerSecond', 'requestAuth'],
  ...['durability', 'seconds', 'rounds', 'entries', 'load', 'system'],
] as const;
const hardwareConditions = ['cpu', 'cores', 'memoryGiB', 'node'] as const;
/** Of records without these, every number is compared. */
const mainFigures = ['opsPerSecond', 'p50Ms', 'p99Ms', 'longestGapMs', 'lateClientGapMs'] as const;
const notFigures = new Set<string>([
  ...conditions,
  ...['hardware', 'processor', 'scenario', 'point', 'ranges', 'errors'],
]);

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function notResults(path: string, line: number, why: string): InvalidInputError {
  return new InvalidInputError(
    'BENCH_RESULTS_INVALID',
    `${path}:${line} is no result of a benchmark: ${why}. Give files that \`theodora bench --json\` wrote.`,
    { path, line },
  );
}

/** The records in `text`, one JSON object a line. Throws InvalidInputError BENCH_RESULTS_INVALID {path, line}. */
export function parseResults(path: string, text: string): BenchRecord[] {
  const records = text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      throw notResults(path, index + 1, 'not a JSON object');
    }
    if (!isObject(value) || typeof value['scenario'] !== 'string')
      throw notResults(path, index + 1, 'no object with a scenario');
    return [value as BenchRecord];
  });
  if (records.length === 0) throw notResults(path, 1, 'the file is empty');
  return records;
}

const nameOf = ({ scenario, point, behaviour }: BenchRecord): string => {
  const part = point ?? behaviour;
  return typeof part === 'string' && part !== scenario ? `${scenario}: ${part}` : scenario;
};

function rangeIn(record: BenchRecord, name: string): Range | null {
  const ranges = record['ranges'];
  const range = isObject(ranges) ? ranges[name] : undefined;
  return Array.isArray(range) && range.length === 2 && range.every((each) => typeof each === 'number')
    ? (range as unknown as Range)
    : null;
}

/** Every number below `value`, by its path. */
function numbersBelow(value: unknown, path: string): [string, Figure][] {
  if (typeof value === 'number') return [[path, { value, range: null }]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => numbersBelow(inner, `${path}.${name}`));
}

function figuresOf(record: BenchRecord): Map<string, Figure> {
  const main = mainFigures.flatMap((name) => {
    const value = record[name];
    return typeof value === 'number' ? [[name, { value, range: rangeIn(record, name) }] as const] : [];
  });
  if (main.length > 0) return new Map(main);
  const entries = Object.entries(record).filter(([name]) => !notFigures.has(name));
  return new Map(entries.flatMap(([name, value]) => numbersBelow(value, name)));
}

function differencesOf(name: string, first: BenchRecord, second: BenchRecord): Difference[] {
  const differing = (names: readonly string[], a: object, b: object): Difference[] =>
    names.flatMap((condition) => {
      const [one, other] = [a, b].map((each) => (each as Record<string, unknown>)[condition]);
      return JSON.stringify(one) === JSON.stringify(other)
        ? []
        : [{ name, condition, first: one ?? null, second: other ?? null }];
    });
  const hardwareOf = ({ hardware }: BenchRecord): object => (isObject(hardware) ? hardware : {});
  return [
    ...differing(conditions, first, second),
    ...differing(hardwareConditions, hardwareOf(first), hardwareOf(second)),
  ];
}

const without = (names: Iterable<string>, known: ReadonlyMap<string, unknown>): string[] =>
  [...names].filter((name) => !known.has(name));

/** Of a scenario measured several times in one file, the last counts. */
export function compareResults(first: readonly BenchRecord[], second: readonly BenchRecord[]): ComparedFiles {
  const [one, other] = [first, second].map((records) => new Map(records.map((each) => [nameOf(each), each])));
  const comparisons: Comparison[] = [];
  const differences: Difference[] = [];
  for (const [name, record] of one!) {
    const counterpart = other!.get(name);
    if (counterpart === undefined) continue;
    differences.push(...differencesOf(name, record, counterpart));
    const figures = figuresOf(counterpart);
    for (const [figure, value] of figuresOf(record)) {
      const against = figures.get(figure);
      if (against === undefined) continue;
      comparisons.push({
        ...{ name, figure, first: value, second: against },
        ratio: Number((against.value / value.value).toFixed(3)),
      });
    }
  }
  return {
    comparisons,
    differences,
    onlyInFirst: without(one!.keys(), other!),
    onlyInSecond: without(other!.keys(), one!),
  };
}

/** Differences that all compared records have in common are told once. */
export function describeDifferences(differences: readonly Difference[], names: number): string[] {
  const byText = new Map<string, string[]>();
  for (const { name, condition, first, second } of differences) {
    const text = `${condition}: ${JSON.stringify(first)} against ${JSON.stringify(second)}`;
    byText.set(text, [...(byText.get(text) ?? []), name]);
  }
  return [...byText].map(
    ([text, affected]) => `differs: ${text} (${affected.length === names ? 'all' : affected.join('; ')})`,
  );
}

/** Throws InvalidInputError BENCH_RESULTS_MISSING {path}. */
function readResults(path: string): BenchRecord[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    throw new InvalidInputError(
      'BENCH_RESULTS_MISSING',
      `${path} cannot be read (${code}). Name two files that \`theodora bench --json\` wrote.`,
      { path },
      error,
    );
  }
  return parseResults(path, text);
}

const shownFigure = ({ value, range }: Figure): string => {
  const digits = value >= 100 ? 0 : 3;
  return range === null || range[0] === range[1]
    ? value.toFixed(digits)
    : `${value.toFixed(digits)} (${shownRange(range, digits)})`;
};

export function benchCompare(firstPath: string, secondPath: string, output: Output): ExitStatus {
  const compared = compareResults(readResults(firstPath), readResults(secondPath));
  const { comparisons, differences, onlyInFirst, onlyInSecond } = compared;
  output.record(compared);
  const names = new Set(comparisons.map(({ name }) => name)).size;
  for (const line of describeDifferences(differences, names)) output.say(line);
  if (onlyInFirst.length > 0) output.say(`only in ${firstPath}: ${onlyInFirst.join('; ')}`);
  if (onlyInSecond.length > 0) output.say(`only in ${secondPath}: ${onlyInSecond.join('; ')}`);
  output.say(
    output.table(
      ['scenario', 'figure', firstPath, secondPath, 'ratio'],
      comparisons.map(({ name, figure, first, second, ratio }) => [
        ...[name, figure, shownFigure(first), shownFigure(second)],
        Number.isFinite(ratio) ? ratio.toFixed(2) : '-',
      ]),
    ),
  );
  return exitStatus.ok;
}
