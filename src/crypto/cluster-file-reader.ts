/**
 * Walks a YAML document and refuses what is not expected, always with the line. Scalars are read as text
 * (YAML's failsafe schema), so that a hexadecimal key that looks like a number stays what was written.
 * Knows nothing of clusters.
 */
import { isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import { InvalidInputError } from '../base/index.js';

/** A YAML node and the line (from 1) to name when it is wrong. */
export interface Located {
  readonly node: unknown;
  readonly line: number;
}

export class ClusterFileReader {
  readonly root: Located;
  readonly #path: string;
  readonly #lines = new LineCounter();

  constructor(text: string, path: string) {
    this.#path = path;
    const document = parseDocument(text, {
      schema: 'failsafe',
      lineCounter: this.#lines,
      prettyErrors: false,
    });
    const problem = document.errors[0] ?? document.warnings[0];
    if (problem !== undefined)
      this.fail(this.#lineOf(problem.pos[0]), `not valid YAML here (${problem.message})`);
    this.root = this.#located(document.contents);
  }

  /** `problem` says what is wrong and, where that does not tell it already, what to do. */
  fail(line: number, problem: string): never {
    throw new InvalidInputError('CLUSTER_FILE_INVALID', `${this.#path}:${line}: ${problem}`, {
      path: this.#path,
      line,
    });
  }

  /** The values of a mapping by key; refuses unknown and missing keys. */
  fields<R extends string, O extends string = never>(
    at: Located,
    what: string,
    required: readonly R[],
    optional: readonly O[] = [],
  ): Record<R, Located> & Partial<Record<O, Located>> {
    const known: readonly string[] = [...required, ...optional];
    if (!isMap(at.node)) this.fail(at.line, `${what} must be a mapping with the keys ${known.join(', ')}`);
    const fields: Record<string, Located> = {};
    for (const { key, value } of at.node.items) {
      const line = this.#located(key).line;
      const name = isScalar(key) ? String(key.value) : '(not a text)';
      if (!known.includes(name)) {
        this.fail(
          line,
          `${what} has an unknown key "${name}"; remove it or make it one of ${known.join(', ')}`,
        );
      }
      fields[name] = { node: value, line };
    }
    const missing = required.filter((name) => fields[name] === undefined);
    if (missing.length > 0) this.fail(at.line, `${what} lacks ${missing.join(', ')}; add what is missing`);
    return fields as Record<R, Located> & Partial<Record<O, Located>>;
  }

  /** Whether nothing was written behind the key. */
  isEmpty(at: Located): boolean {
    return at.node === null || (isScalar(at.node) && at.node.value === '');
  }

  items(at: Located, what: string): Located[] {
    if (!isSeq(at.node)) this.fail(at.line, `${what} must be a list`);
    return at.node.items.map((item) => this.#located(item));
  }

  text(at: Located, what: string): string {
    if (!isScalar(at.node) || typeof at.node.value !== 'string' || at.node.value === '') {
      this.fail(at.line, `${what} must be a text`);
    }
    return at.node.value;
  }

  integer(at: Located, what: string, min: number, max: number): number {
    const text = this.text(at, what);
    const value = /^(0|[1-9][0-9]{0,14})$/.test(text) ? Number(text) : -1;
    if (value < min || value > max) {
      this.fail(at.line, `${what} is "${text}"; write a whole number from ${min} to ${max}`);
    }
    return value;
  }

  /** Lower-case hexadecimal of exactly `digits` characters. */
  hex(at: Located, what: string, digits: number): string {
    const text = this.text(at, what);
    if (text.length !== digits || !/^[0-9a-f]*$/.test(text)) {
      this.fail(at.line, `${what} must be ${digits} lower-case hexadecimal digits; copy it again`);
    }
    return text;
  }

  /** Refuses a value that `seen` (value → line) has already. */
  unique(seen: Map<string, number>, value: string, line: number, what: string): void {
    const first = seen.get(value);
    if (first !== undefined)
      this.fail(line, `${what} is already used at line ${first}; each must be different`);
    seen.set(value, line);
  }

  #lineOf(offset: number): number {
    return Math.max(1, this.#lines.linePos(offset).line);
  }

  #located(node: unknown): Located {
    const range = typeof node === 'object' && node !== null && 'range' in node ? node.range : null;
    const offset = Array.isArray(range) && typeof range[0] === 'number' ? range[0] : 0;
    return { node, line: this.#lineOf(offset) };
  }
}
