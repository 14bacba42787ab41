/**
 * The text of a scenario, one command a line: words, `key=value` options and JSON values; `#` starts a
 * comment. Only splits; what commands mean is in commands.ts.
 */
import { InvalidInputError } from '../../base/index.js';

export interface Command {
  /** 1, 2, 3, … */
  readonly line: number;
  readonly text: string;
  readonly name: string;
  /** Words and JSON values, in order. */
  readonly words: readonly string[];
  readonly options: ReadonlyMap<string, string>;
}

export function parseScript(text: string): Command[] {
  const commands: Command[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const tokens = split(raw, index + 1);
    if (tokens.length === 0) continue;
    const options = new Map<string, string>();
    const words: string[] = [];
    for (const token of tokens.slice(1)) {
      const option = /^([a-zA-Z]+)=(.+)$/.exec(token);
      if (option === null) words.push(token);
      else options.set(option[1]!, option[2]!);
    }
    commands.push({ line: index + 1, text: raw.trim(), name: tokens[0]!, words, options });
  }
  return commands;
}

/** Splits at blanks outside brackets and quotes. */
function split(raw: string, line: number): string[] {
  const tokens: string[] = [];
  let token = '';
  let depth = 0;
  let isQuoted = false;
  for (const [index, character] of [...raw].entries()) {
    if (isQuoted) {
      token += character;
      if (character === '"' && raw[index - 1] !== '\\') isQuoted = false;
      continue;
    }
    if (depth === 0 && character === '#' && token === '') break;
    if (character === '"') isQuoted = true;
    if (character === '[' || character === '{') depth++;
    if (character === ']' || character === '}') depth--;
    if (depth === 0 && /\s/.test(character)) {
      if (token !== '') tokens.push(token);
      token = '';
    } else token += character;
  }
  if (depth !== 0 || isQuoted) refuseScript(line, 'a bracket or quote is not closed');
  if (token !== '') tokens.push(token);
  return tokens;
}

export function refuseScript(line: number, problem: string): never {
  throw new InvalidInputError('BAD_SCENARIO', `scenario line ${line}: ${problem}`, { line });
}

const durationUnits: Readonly<Record<string, number>> = { us: 1, ms: 1_000, s: 1_000_000, m: 60_000_000 };

/** `500ms`, `2s`, `-100ms` in microseconds. */
export function parseDurationUs(text: string, line: number): number {
  const match = /^([+-]?\d+)(us|ms|s|m)$/.exec(text);
  if (match === null) refuseScript(line, `${text} is not a duration`);
  return Number(match[1]) * durationUnits[match[2]!]!;
}

export function parseInteger(text: string, line: number): number {
  if (!/^\d+$/.test(text)) refuseScript(line, `${text} is not a number`);
  return Number(text);
}

/** `0`, `1,3`, `0..3`: numbers; `c1` is the first client's node. */
export function parseNodes(text: string, n: number, line: number): number[] {
  return text.split(',').flatMap((part) => {
    const range = /^(\d+)\.\.(\d+)$/.exec(part);
    if (range !== null) {
      const [from, to] = [Number(range[1]), Number(range[2])];
      return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);
    }
    const client = /^c(\d+)$/.exec(part);
    return [client === null ? parseInteger(part, line) : n + Number(client[1]) - 1];
  });
}
