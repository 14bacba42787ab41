/** The figures of `recovery`, for machines and for people. */
import type { Stretch } from './paced-load.js';
import type { RecoveryFigures, Return } from './recovery.js';

interface Table {
  readonly header: readonly string[];
  readonly rows: string[][];
}

const rounded = (value: number, digits = 0): number => Number(value.toFixed(digits));
const roundedMs = (value: number | null): number | null => (value === null ? null : rounded(value));
const stretch = ({ perSecond, longestGapMs }: Stretch): Stretch => ({
  perSecond: rounded(perSecond),
  longestGapMs: rounded(longestGapMs),
});

function roundedReturn(figures: Return): Return {
  const { before, without, during, listeningMs, caughtUpMs, share } = figures;
  return {
    ...figures,
    listeningMs: rounded(listeningMs),
    caughtUpMs: roundedMs(caughtUpMs),
    before: stretch(before),
    without: stretch(without),
    during: stretch(during),
    share: rounded(share, 2),
    othersBefore: figures.othersBefore === null ? null : rounded(figures.othersBefore, 2),
    othersDuring: figures.othersDuring === null ? null : rounded(figures.othersDuring, 2),
  };
}

export function roundedRecovery(figures: RecoveryFigures): RecoveryFigures {
  const { fillSeconds, peakPerSecond, restart, away, rejoin } = figures;
  const { listeningMs, servingMs } = restart;
  return {
    ...figures,
    fillSeconds: rounded(fillSeconds),
    peakPerSecond: rounded(peakPerSecond),
    restart: { listeningMs: rounded(listeningMs), servingMs: roundedMs(servingMs) },
    away: roundedReturn(away),
    rejoin: roundedReturn(rejoin),
  };
}

const seconds = (ms: number | null): string => (ms === null ? 'not' : (ms / 1_000).toFixed(1));
const wholeOrNone = (value: number | null): string => (value === null ? '-' : value.toFixed(0));

function returnRow(name: string, figures: Return): string[] {
  const { listeningMs, caughtUpMs, pagesFetched, before, without, during, share } = figures;
  return [
    name,
    seconds(listeningMs),
    seconds(caughtUpMs),
    figures.isActive ? 'yes' : 'no',
    String(pagesFetched),
    ...[before, without, during].map(({ perSecond }) => perSecond.toFixed(0)),
    share.toFixed(2),
    during.longestGapMs.toFixed(0),
    wholeOrNone(figures.memoryMiB),
    wholeOrNone(figures.othersMemoryMiB),
    wholeOrNone(figures.processorSeconds),
    ...[figures.othersBefore, figures.othersDuring].map((value) => value?.toFixed(2) ?? '-'),
  ];
}

export function recoveryTables(figures: RecoveryFigures, awaySeconds: number): Table[] {
  const { restart, away, rejoin, peakPerSecond, fillSeconds } = figures;
  return [
    {
      header: ['filled in s', 'peak ops/s', 'restart: listens after s', 'serves after s'],
      rows: [
        [
          fillSeconds.toFixed(0),
          peakPerSecond.toFixed(0),
          seconds(restart.listeningMs),
          seconds(restart.servingMs),
        ],
      ],
    },
    {
      header: [
        ...[
          'comes back',
          'listens after s',
          'caught up after s',
          'active',
          'pages',
          'ops/s before',
          'without it',
        ],
        ...['meanwhile', 'share', 'gap ms', 'MiB', 'others MiB'],
        ...['processor s', 'others before', 'meanwhile'],
      ],
      rows: [returnRow(`${awaySeconds} s away`, away), returnRow('empty disk', rejoin)],
    },
  ];
}
