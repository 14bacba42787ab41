/** Tuples, templates and operations as scenarios write them: JSON, with null as any. */
import { any, formal, normalizeTemplate, normalizeTuple } from '../../codec/index.js';
import type { FieldType, Operation, Template, Tuple } from '../../codec/index.js';
import { refuseScript } from './script.js';

function parseArray(text: string | undefined, line: number): unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(text ?? '');
  } catch {
    refuseScript(line, `${text ?? 'nothing'} is not JSON`);
  }
  if (!Array.isArray(value)) refuseScript(line, `${text ?? ''} is not an array`);
  return value as unknown[];
}

export const parseTuple = (text: string | undefined, line: number): Tuple =>
  normalizeTuple(parseArray(text, line));

export function parseTemplate(text: string | undefined, line: number): Template {
  return normalizeTemplate(parseArray(text, line).map((field) => templateField(field, line)));
}

function templateField(field: unknown, line: number): unknown {
  if (field === null) return any;
  if (typeof field !== 'object') return field;
  const type = (field as { formal?: FieldType }).formal;
  return type === undefined ? refuseScript(line, 'not a template field') : formal[type];
}

/** Of operations that have them, ms: how long an entry is to live, and how long to wait. */
export interface Times {
  readonly lease: number | null;
  readonly wait: number | null;
}

/** `out ["a",1]`, `cas ["a",null] ["a",2]`, …; times as the command's options say. */
export function parseOperation(
  words: readonly string[],
  line: number,
  { lease, wait }: Times = { lease: null, wait: null },
): Operation {
  const [kind, first, second] = words;
  const space = 'default';
  switch (kind) {
    case 'out':
      return { kind, space, tuple: parseTuple(first, line), lease };
    case 'rdp':
    case 'inp':
    case 'count':
      return { kind, space, template: parseTemplate(first, line) };
    case 'rd':
    case 'in':
      return { kind, space, template: parseTemplate(first, line), timeout: wait };
    case 'rdAll':
      return { kind, space, template: parseTemplate(first, line), limit: 0, after: 0n };
    case 'inAll':
      return { kind, space, template: parseTemplate(first, line), limit: 0 };
    case 'cas':
    case 'replace':
      return { kind, space, template: parseTemplate(first, line), tuple: parseTuple(second, line), lease };
    case 'renew':
      if (lease === null) refuseScript(line, 'a renewal needs lease=');
      return { kind, space, template: parseTemplate(first, line), lease };
    default:
      return refuseScript(line, `unknown operation ${kind ?? ''}`);
  }
}
