/**
 * The tuple space as a plain list, slow and obvious: what the service is compared with. Answers every
 * operation as the service should, refusals included. Whatever has expired is filtered away.
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
  time = 0;
  #nextId = 1n;
  readonly #limits: SpaceLimits;

  constructor(limits: SpaceLimits) {
    this.#limits = limits;
  }

  get nextDeadline(): number | null {
    const deadlines = this.entries.flatMap(({ deadline }) => (deadline === null ? [] : [deadline]));
    return deadlines.length === 0 ? null : Math.min(...deadlines);
  }

  advanceTime(time: number): void {
    this.time = time;
    this.entries = this.entries.filter(({ deadline }) => deadline === null || deadline > time);
  }

  /** Whether every match is there for longer than until `time`. */
  isSteady(template: Template, time: number): boolean {
    return this.#matching(template).every(({ deadline }) => deadline === null || deadline > time);
  }

  answer(operation: Operation, client: ClientId): Result {
    const sizes: number[] = [];
    if ('template' in operation) sizes.push(encodeTemplate(operation.template).length);
    if ('tuple' in operation) sizes.push(encodeTuple(operation.tuple).length);
    const { tupleBytesMax } = this.#limits;
    if (sizes.some((bytes) => bytes > tupleBytesMax)) return refused('TUPLE_TOO_LARGE', tupleBytesMax);
    const lease = 'lease' in operation ? operation.lease : null;
    const { leaseMinMs } = this.#limits;
    if (lease !== null && lease < leaseMinMs) return refused('LEASE_TOO_SHORT', leaseMinMs);
    if (operation.space !== 'default') return refused('NO_SUCH_SPACE');
    const isFull = this.entries.length >= this.#limits.entriesPerSpaceMax;
    if (operation.kind === 'out') {
      return isFull ? refused('SPACE_FULL') : { kind: 'entry', entry: this.#insert(operation, client) };
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
        return { kind: 'cas', inserted: true, entry: this.#insert(operation, client) };
      case 'replace':
        this.#remove(found.slice(0, 1));
        if (oldest !== null) this.#insert(operation, client);
        return { kind: 'entry', entry: oldest };
      case 'renew': {
        const own = found.find(({ owner, deadline }) => owner === client && deadline !== null);
        if (own === undefined) return { kind: 'entry', entry: null };
        const renewed: Entry = { ...own, deadline: this.#deadline(operation.lease) };
        this.entries[this.entries.indexOf(own)] = renewed;
        return { kind: 'entry', entry: renewed };
      }
    }
  }

  #matching(template: Template): Entry[] {
    return this.entries.filter((entry) => matches(template, entry.tuple));
  }

  #insert({ tuple, lease }: { tuple: Tuple; lease: number | null }, owner: ClientId): Entry {
    const entry: Entry = { id: this.#nextId++, tuple, owner, deadline: this.#deadline(lease) };
    this.entries.push(entry);
    return entry;
  }

  #deadline(lease: number | null): number | null {
    return lease === null ? null : this.time + Math.min(lease, this.#limits.leaseMaxMs);
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
