/**
 * The operations of one tuple space (DESIGN section 4) as users call them: plain values in, entries out.
 * A refusal never returns normally (pitfall 24); "nothing matches" is a result and no error.
 */
import { InvalidInputError, type ClientId } from '../base/index.js';
import {
  encodeTemplate,
  encodeTuple,
  normalizeTemplate,
  normalizeTuple,
  tupleBytesMax,
  type Entry as WireEntry,
  type Field,
  type Operation,
  type Result,
  type Template,
  type TemplateField,
  type Tuple,
} from '../codec/index.js';
import { unexpectedResult } from './failures.js';
import { checkAfter, checkFields, checkLimit, checkOptions, type CallOptions } from './options.js';

/** A stored tuple. */
export interface Entry {
  /** Global insertion number: monotonic, so it serves as a fencing token. */
  readonly id: bigint;
  readonly tuple: Tuple;
  /** Name of the client that inserted it, or its key (64 hexadecimal digits) if the cluster file names none. */
  readonly owner: string;
  /** Ordered time at which the entry is gone, ms since the epoch; absent: never. */
  readonly deadline?: number;
}

/** Fields of a tuple as users write them: a plain number is an integer iff it has no fraction. */
export type TupleInput = readonly Field[];
/** A value, `any` or a typed formal for each field. */
export type TemplateInput = readonly (Field | TemplateField)[];

/** The match is null if it is hidden from the caller. */
export type CasResult =
  | { readonly inserted: true; readonly entry: Entry }
  | { readonly inserted: false; readonly entry: Entry | null };

export interface LimitOptions extends CallOptions {
  /** At most this many; 0 (default): all. */
  readonly limit?: number | undefined;
}

export interface PageOptions extends LimitOptions {
  /** Only entries with a greater id. */
  readonly after?: bigint | undefined;
}

/** What a space needs of its client. */
export interface Caller {
  /** The agreed result, never a refusal. */
  call(operation: Operation, isFastRead: boolean, options: CallOptions | undefined): Promise<Result>;
  nameOf(client: ClientId): string;
}

const callOptions = ['timeout', 'signal'] as const;
const limitOptions = [...callOptions, 'limit'] as const;
const pageOptions = [...limitOptions, 'after'] as const;

function checkSize(bytes: Uint8Array, what: 'tuple' | 'template'): void {
  if (bytes.length <= tupleBytesMax) return;
  const code = what === 'tuple' ? 'TUPLE_TOO_LARGE' : 'TEMPLATE_TOO_LARGE';
  const message = `the ${what} takes ${bytes.length} bytes, at most ${tupleBytesMax} are allowed`;
  throw new InvalidInputError(code, message, { sizeBytes: bytes.length, sizeBytesMax: tupleBytesMax });
}

function tupleOf(values: unknown): Tuple {
  const tuple = normalizeTuple(checkFields(values, 'tuple'));
  if (mayBeLarge(tuple)) checkSize(encodeTuple(tuple), 'tuple');
  return tuple;
}

function templateOf(values: unknown): Template {
  const template = normalizeTemplate(checkFields(values, 'template'));
  const constants = template.flatMap((field) => (field.kind === 'value' ? [field.value] : []));
  if (mayBeLarge(constants)) checkSize(encodeTemplate(template), 'template');
  return template;
}

/** Spares small tuples the encoding that would measure them: a UTF-16 unit takes three bytes at most. */
function mayBeLarge(fields: readonly Field[]): boolean {
  let bound = 0;
  for (const field of fields) {
    bound += 16;
    if (typeof field === 'string' || field instanceof Uint8Array) bound += 3 * field.length;
  }
  return bound > tupleBytesMax;
}

export class Space {
  readonly name: string;
  readonly #caller: Caller;

  /** Made by `client.space(name)`. */
  constructor(name: string, caller: Caller) {
    this.name = name;
    this.#caller = caller;
  }

  /** Inserts a tuple. */
  async out(tuple: TupleInput, options?: CallOptions): Promise<Entry> {
    checkOptions(options, callOptions, 'out');
    const operation = { kind: 'out', space: this.name, tuple: tupleOf(tuple) } as const;
    return this.#entry(operation, await this.#caller.call(operation, false, options));
  }

  /** Reads the oldest match, or null. */
  async rdp(template: TemplateInput, options?: CallOptions): Promise<Entry | null> {
    checkOptions(options, callOptions, 'rdp');
    const operation = { kind: 'rdp', space: this.name, template: templateOf(template) } as const;
    return this.#entryOrNull(operation, await this.#caller.call(operation, true, options));
  }

  /** Takes the oldest match, or null. */
  async inp(template: TemplateInput, options?: CallOptions): Promise<Entry | null> {
    checkOptions(options, callOptions, 'inp');
    const operation = { kind: 'inp', space: this.name, template: templateOf(template) } as const;
    return this.#entryOrNull(operation, await this.#caller.call(operation, false, options));
  }

  /** Reads all matches, oldest first. */
  async rdAll(template: TemplateInput, options?: PageOptions): Promise<Entry[]> {
    checkOptions(options, pageOptions, 'rdAll');
    const limit = checkLimit(options?.limit);
    const after = checkAfter(options?.after);
    const operation = {
      kind: 'rdAll',
      space: this.name,
      template: templateOf(template),
      limit,
      after,
    } as const;
    return this.#entries(operation, await this.#caller.call(operation, true, options));
  }

  /** Takes all matches, oldest first. */
  async inAll(template: TemplateInput, options?: LimitOptions): Promise<Entry[]> {
    checkOptions(options, limitOptions, 'inAll');
    const limit = checkLimit(options?.limit);
    const operation = { kind: 'inAll', space: this.name, template: templateOf(template), limit } as const;
    return this.#entries(operation, await this.#caller.call(operation, false, options));
  }

  /** The number of matches. */
  async count(template: TemplateInput, options?: CallOptions): Promise<number> {
    checkOptions(options, callOptions, 'count');
    const operation = { kind: 'count', space: this.name, template: templateOf(template) } as const;
    const result = await this.#caller.call(operation, true, options);
    if (result.kind !== 'count') throw unexpectedResult(operation.kind);
    return result.count;
  }

  /** Inserts the tuple if nothing matches the template. */
  async cas(template: TemplateInput, tuple: TupleInput, options?: CallOptions): Promise<CasResult> {
    checkOptions(options, callOptions, 'cas');
    const swap = { template: templateOf(template), tuple: tupleOf(tuple) };
    const operation = { kind: 'cas', space: this.name, ...swap } as const;
    const result = await this.#caller.call(operation, false, options);
    if (result.kind !== 'cas') throw unexpectedResult(operation.kind);
    const entry = result.entry === null ? null : this.#toEntry(result.entry);
    if (!result.inserted) return { inserted: false, entry };
    if (entry === null) throw unexpectedResult(operation.kind);
    return { inserted: true, entry };
  }

  /** Takes the oldest match and inserts the tuple, atomically; the taken entry, or null and nothing is done. */
  async replace(template: TemplateInput, tuple: TupleInput, options?: CallOptions): Promise<Entry | null> {
    checkOptions(options, callOptions, 'replace');
    const swap = { template: templateOf(template), tuple: tupleOf(tuple) };
    const operation = { kind: 'replace', space: this.name, ...swap } as const;
    return this.#entryOrNull(operation, await this.#caller.call(operation, false, options));
  }

  #toEntry({ id, tuple, owner }: WireEntry): Entry {
    return { id, tuple, owner: this.#caller.nameOf(owner) };
  }

  #entryOrNull(operation: Operation, result: Result): Entry | null {
    if (result.kind !== 'entry') throw unexpectedResult(operation.kind);
    return result.entry === null ? null : this.#toEntry(result.entry);
  }

  #entry(operation: Operation, result: Result): Entry {
    const entry = this.#entryOrNull(operation, result);
    if (entry === null) throw unexpectedResult(operation.kind);
    return entry;
  }

  #entries(operation: Operation, result: Result): Entry[] {
    if (result.kind !== 'entries') throw unexpectedResult(operation.kind);
    return result.entries.map((entry) => this.#toEntry(entry));
  }
}
