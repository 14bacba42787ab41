/**
 * The tuple space as a plain list, slow and obvious: what the service is compared with. Answers every
 * operation as the service should, refusals included.
 */
import type { ClientId } from '../../../src/base/index.js';
import {
  encodeResult,
  encodeTemplate,
  encodeTuple,
  type Entry,
  type Operation,
  type Result,
  type Template,
  type Tuple,
} from '../../../src/codec/index.js';
import { matches, type SpaceLimits } from '../../../src/space/index.js';

const refused = (code: Extract<Result, { kind: 'refused' }>['code'], detail = 0): Result => ({
  kind: 'refused',
  code,
  detail,
});

export class Model {
  entries: Entry[] = [];
  #nextId = 1n;
  readonly #limits: SpaceLimits;

  constructor(limits: SpaceLimits) {
    this.#limits = limits;
  }

  answer(operation: Operation, client: ClientId): Result {
    const sizes: number[] = [];
    if ('template' in operation) sizes.push(encodeTemplate(operation.template).length);
    if ('tuple' in operation) sizes.push(encodeTuple(operation.tuple).length);
    const { tupleBytesMax } = this.#limits;
    if (sizes.some((bytes) => bytes > tupleBytesMax)) return refused('TUPLE_TOO_LARGE', tupleBytesMax);
    if (operation.space !== 'default') return refused('NO_SUCH_SPACE');
    const isFull = this.entries.length >= this.#limits.entriesPerSpaceMax;
    if (operation.kind === 'out') {
      return isFull ? refused('SPACE_FULL') : { kind: 'entry', entry: this.#insert(operation.tuple, client) };
    }
    const found = this.#matching(operation.template);
    const oldest = found[0] ?? null;
    switch (operation.kind) {
      case 'rdp':
        return { kind: 'entry', entry: oldest };
      case 'inp':
        this.#remove(found.slice(0, 1));
        return { kind: 'entry', entry: oldest };
      case 'rdAll':
        return this.#fitting(
          found.filter((entry) => entry.id > operation.after),
          operation.limit,
        );
      case 'inAll': {
        const result = this.#fitting(found, operation.limit);
        if (result.kind === 'entries') this.#remove(result.entries);
        return result;
      }
      case 'count':
        return { kind: 'count', count: found.length };
      case 'cas':
        if (oldest !== null) return { kind: 'cas', inserted: false, entry: oldest };
        if (isFull) return refused('SPACE_FULL');
        return { kind: 'cas', inserted: true, entry: this.#insert(operation.tuple, client) };
      case 'replace':
        this.#remove(found.slice(0, 1));
        if (oldest !== null) this.#insert(operation.tuple, client);
        return { kind: 'entry', entry: oldest };
    }
  }

  #matching(template: Template): Entry[] {
    return this.entries.filter((entry) => matches(template, entry.tuple));
  }

  #insert(tuple: Tuple, owner: ClientId): Entry {
    const entry: Entry = { id: this.#nextId++, tuple, owner };
    this.entries.push(entry);
    return entry;
  }

  #remove(taken: readonly Entry[]): void {
    this.entries = this.entries.filter((entry) => !taken.includes(entry));
  }

  #fitting(found: readonly Entry[], limit: number): Result {
    const entries = limit === 0 ? found : found.slice(0, limit);
    let fit = entries.length;
    while (
      encodeResult({ kind: 'entries', entries: entries.slice(0, fit) }).length > this.#limits.resultBytesMax
    ) {
      fit--;
    }
    return fit < entries.length ? refused('RESULT_TOO_LARGE', fit) : { kind: 'entries', entries };
  }
}
