/**
 * What a command prints: for people aligned text, with --json one JSON object a line on stdout and nothing
 * else there. Tuples come from other clients, so nothing that a terminal would obey is written raw.
 */
import { styleText } from 'node:util';

/** The process's edges, passed in so that tests can stand in for them. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isStdoutTty: boolean;
  readonly isStderrTty: boolean;
  stdout(text: string): void;
  stderr(text: string): void;
}

export const processTerminal: Terminal = {
  env: process.env,
  isStdoutTty: process.stdout.isTTY === true,
  isStderrTty: process.stderr.isTTY === true,
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
};

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow';

// C1 controls, bidirectional marks and line separators: JSON allows them raw, terminals act on them.
const unsafePattern = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** JSON text on one line, safe to print; JSON.parse gives the same value back. */
export function toJsonLine(value: unknown): string {
  return JSON.stringify(value).replace(
    unsafePattern,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Free text for a terminal: control characters, newlines aside, become visible escapes. */
export function toPrintable(text: string): string {
  return text
    .replace(unsafePattern, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .replace(
      /[\u0000-\u0009\u000b-\u001f]/g,
      (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
    );
}

/**
 * Columns padded to their widest cell, two spaces between. A row's last cell is not padded; that of a row
 * with fewer cells than the header runs over the columns it lacks.
 */
export function alignTable(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widthIn = (row: readonly string[], column: number): number =>
    column === row.length - 1 && row.length < header.length ? 0 : (row[column] ?? '').length;
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => widthIn(row, column))),
  );
  return [header, ...rows].map((row) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

export class Output {
  readonly isJson: boolean;
  readonly #terminal: Terminal;

  constructor(terminal: Terminal, isJson: boolean) {
    this.#terminal = terminal;
    this.isJson = isJson;
  }

  /** One result: the record with --json, else the text. */
  result(record: object, text: () => string): void {
    if (this.isJson) this.#terminal.stdout(`${toJsonLine(record)}\n`);
    else this.#terminal.stdout(`${text()}\n`);
  }

  /** A JSON line; nothing without --json. */
  record(record: object): void {
    if (this.isJson) this.#terminal.stdout(`${toJsonLine(record)}\n`);
  }

  /** Text for people on stdout; nothing with --json. */
  say(text: string): void {
    if (!this.isJson) this.#terminal.stdout(`${text}\n`);
  }

  /** Progress and hints: stderr in either form. */
  note(text: string): void {
    this.#terminal.stderr(`${text}\n`);
  }

  table(header: readonly string[], rows: readonly (readonly string[])[]): string {
    const [title = '', ...lines] = alignTable(header, rows);
    return [this.style('bold', title), ...lines].join('\n');
  }

  style(style: Style, text: string): string {
    return !this.isJson && this.#terminal.isStdoutTty && hasColours(this.#terminal)
      ? styleText(style, text, { validateStream: false })
      : text;
  }

  styleError(style: Style, text: string): string {
    return this.#terminal.isStderrTty && hasColours(this.#terminal)
      ? styleText(style, text, { validateStream: false })
      : text;
  }
}

function hasColours(terminal: Terminal): boolean {
  return !terminal.env['NO_COLOR'] && terminal.env['TERM'] !== 'dumb';
}
