/**
 * What a scenario expects, as a question with an answer for people: `executed 0..2 >= 3`, `digest equal`,
 * `outcome c1#1 result`, `view = 1`, `evidence 2 INVALID_VIEW_CHANGE`. Replicas default to all correct ones
 * that run.
 */
import { sequenceNumber } from '../../base/index.js';
import { decodeResult, encodeTuple } from '../../codec/index.js';
import type { Result } from '../../codec/index.js';
import { equalBytes } from '../../base/index.js';
import type { ReplicaStatus } from '../../ordering/index.js';
import type { HistoryEntry } from '../history.js';
import type { ReplicaHost } from '../replica-host.js';
import { parseTuple } from './json-values.js';
import { parseInteger, parseNodes, refuseScript } from './script.js';
import type { Stage } from './stage.js';

/** Null if it holds, else what is the case instead. */
export type Verdict = string | null;

const hostValues: Readonly<Record<string, (host: ReplicaHost) => number>> = {
  /** Whether anything in its state has a deadline. */
  leases: ({ nextDeadline }) => (nextDeadline === null ? 0 : 1),
};

const statusValues: Readonly<Record<string, (status: ReplicaStatus) => number>> = {
  executed: ({ executed }) => executed,
  view: ({ view }) => view,
  stable: ({ stableCheckpoint }) => stableCheckpoint,
  pending: ({ pending }) => pending,
  active: ({ isActive }) => (isActive ? 1 : 0),
  observer: ({ isObserver }) => (isObserver ? 1 : 0),
};

export function judge(stage: Stage, words: readonly string[], line: number): Verdict {
  const [subject = '', ...rest] = words;
  const value = hostValues[subject] ?? statusValue(subject);
  if (value !== undefined) return judgeValues(stage, value, rest, line);
  switch (subject) {
    case 'digest':
      return judgeDigests(hosts(stage, rest.length > 1 ? rest[0] : undefined, line));
    case 'outcome':
      return judgeOutcome(stage.call(rest[0] ?? '', line), rest.slice(1), line);
    case 'delivered':
      return judgeDelivered(stage, rest, line);
    case 'evidence':
      return judgeNotice(stage, `evidence ${rest[1] ?? ''}`, rest[0] ?? '', line);
    case 'event':
      return judgeNotice(stage, rest[1] ?? '', rest[0] ?? '', line);
    case 'holds': {
      const [node] = parseNodes(rest[0] ?? '', stage.world.n, line);
      const client = stage.world.clients[node! - stage.world.n] ?? refuseScript(line, 'not a client');
      return compare(stage.holder(client).isHolding ? 1 : 0, rest[1], rest[2], line);
    }
    case 'waiting':
      return judgeWaiting(stage.call(rest[0] ?? '', line));
    case 'told':
      return compare(stage.feed(rest[0] ?? '', line).told.length, rest[1], rest[2], line);
    case 'following':
      return compare(stage.feed(rest[0] ?? '', line).isOpen ? 1 : 0, rest[1], rest[2], line);
    case 'transfers':
      return compare(stage.world.counters.stateTransfers, rest[0], rest[1], line);
    case 'rejoins':
      return compare(stage.world.counters.rejoins, rest[0], rest[1], line);
    case 'captured':
      return compare(stage.rules.kept(rest[0] ?? '').length, rest[1], rest[2], line);
    default:
      return refuseScript(line, `unknown expectation ${subject}`);
  }
}

function statusValue(subject: string): ((host: ReplicaHost) => number) | undefined {
  const value = statusValues[subject];
  return value && (({ core }): number => value(core.status()));
}

function hosts(stage: Stage, text: string | undefined, line: number): readonly ReplicaHost[] {
  if (text === undefined) return stage.world.correctReplicas().filter(({ isRunning }) => isRunning);
  return parseNodes(text, stage.world.n, line).map((node) => {
    const host = stage.world.replicas[node] ?? refuseScript(line, `there is no replica ${node}`);
    return host.isRunning ? host : refuseScript(line, `replica ${node} is stopped`);
  });
}

function judgeValues(
  stage: Stage,
  value: (host: ReplicaHost) => number,
  words: readonly string[],
  line: number,
): Verdict {
  const hasNodes = /^\d/.test(words[0] ?? '');
  const asked = hosts(stage, hasNodes ? words[0] : undefined, line);
  const [operator, wanted] = hasNodes ? words.slice(1) : words;
  const values = asked.map(value);
  const shown = asked.map(({ id }, index) => `${id}: ${values[index]}`).join(', ');
  if (operator === 'equal') return values.every((one) => one === values[0]) ? null : shown;
  return values.every((one) => compare(one, operator, wanted, line) === null) ? null : shown;
}

function compare(
  value: number,
  operator: string | undefined,
  text: string | undefined,
  line: number,
): Verdict {
  const wanted = text === 'yes' ? 1 : text === 'no' ? 0 : parseInteger(text ?? '', line);
  const holds = { '=': value === wanted, '>=': value >= wanted, '<=': value <= wanted }[operator ?? ''];
  if (holds === undefined) refuseScript(line, `unknown comparison ${operator ?? ''}`);
  return holds ? null : String(value);
}

function judgeDigests(asked: readonly ReplicaHost[]): Verdict {
  const digests = asked.map(({ core }) => core.stateDigest());
  return digests.every((digest) => digest === digests[0])
    ? null
    : asked.map(({ id }, index) => `${id}: ${digests[index]!.slice(0, 8)}`).join(', ');
}

function judgeNotice(stage: Stage, start: string, replica: string, line: number): Verdict {
  const wanted = parseNodes(replica, stage.world.n, line);
  const isSeen = (node: number): boolean =>
    stage.notices.some((notice) => notice.replica === node && notice.text.startsWith(start));
  const missing = wanted.filter((node) => !isSeen(node));
  return missing.length === 0 ? null : `not at ${missing.join(', ')}`;
}

/** `delivered 3 = b1`: the batch that was committed there; `delivered 3 = none`. */
function judgeDelivered(stage: Stage, words: readonly string[], line: number): Verdict {
  const [at = '', , name = ''] = words;
  const batch = stage.world.checks.order.get(sequenceNumber(parseInteger(at, line)));
  if (name === 'none') return batch === undefined ? null : batch.digest;
  const { digest } = stage.batch(name, line);
  return batch?.digest === digest ? null : (batch?.digest ?? 'nothing');
}

function judgeWaiting({ outcome, waitsAs }: HistoryEntry): Verdict {
  return waitsAs !== null && outcome === null ? null : (outcome?.kind ?? 'not known to wait');
}

function judgeOutcome(entry: HistoryEntry, words: readonly string[], line: number): Verdict {
  const [wanted = '', detail] = words;
  const { outcome } = entry;
  const kind = outcome?.kind ?? 'open';
  if (['result', 'unknown', 'unavailable', 'refused', 'open'].includes(wanted))
    return kind === wanted ? null : kind;
  if (outcome?.kind !== 'result') return kind;
  if (wanted === 'fast') return outcome.path === 'fast' ? null : outcome.path;
  const result = decodeResult(outcome.result)!;
  return isSuch(result, wanted, detail, line) ? null : describe(result);
}

/** `entry null`, `entry ["a",1]`, `inserted yes`, `count 2`. */
function isSuch(result: Result, wanted: string, detail: string | undefined, line: number): boolean {
  switch (wanted) {
    case 'entry': {
      if (result.kind !== 'entry') return false;
      if (result.entry === null || detail === 'null') return result.entry === null && detail === 'null';
      return equalBytes(encodeTuple(result.entry.tuple), encodeTuple(parseTuple(detail, line)));
    }
    case 'inserted':
      return result.kind === 'cas' && result.inserted === (detail === 'yes');
    case 'cancelled':
      return result.kind === 'cancelled';
    case 'code':
      return result.kind === 'refused' && result.code === detail;
    case 'count':
      return result.kind === 'count' && result.count === parseInteger(detail ?? '', line);
    default:
      return refuseScript(line, `unknown outcome ${wanted}`);
  }
}

function describe(result: Result): string {
  switch (result.kind) {
    case 'entry':
      return result.entry === null ? 'no entry' : `entry ${result.entry.id}`;
    case 'entries':
      return `${result.entries.length} entries`;
    case 'count':
      return `count ${result.count}`;
    case 'cas':
      return result.inserted ? 'inserted' : 'not inserted';
    case 'cancelled':
      return 'cancelled';
    case 'subscribed':
      return `subscribed from ${result.from}`;
    case 'refused':
      return result.code;
    default:
      return result.kind;
  }
}
