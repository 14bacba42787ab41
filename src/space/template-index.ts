/**
 * Finds whose template a tuple matches without looking at the others: the match index turned round. A template
 * lies in one bucket, of one of its constants (whichever bucket is smallest) or else of one of its formals, so a
 * tuple of m fields looks into at most 2m + 1. Must not know what the interested do with the tuple.
 */
import { assert, type HashFunction } from '../base/index.js';
import type { Field, FieldType, Template, TemplateField, Tuple } from '../codec/index.js';
import { fieldType } from '../codec/index.js';
import { indexKey, keyKind } from './index-key.js';
import { matches } from './matching.js';

/** Somebody interested in tuples. */
export interface Interest {
  /** Greater than that of every one before. */
  readonly id: number;
  readonly template: Template;
}

/** In ascending order of id. */
type Bucket<T> = Map<number, T>;

/** The buckets by key. A value's key begins with position and type; a formal's is just these. */
type Buckets<T> = Map<string, Bucket<T>>;

const rest = 'rest';

function formalKey(position: number, type: FieldType): string {
  return `${position}:${type}`;
}

export class TemplateIndex<T extends Interest> {
  readonly #hash: HashFunction;
  /** By arity. Invariant: no bucket and no map is empty. */
  readonly #shapes = new Map<number, Buckets<T>>();
  /** The bucket in which each lies. */
  readonly #homes = new Map<number, string>();

  constructor(hash: HashFunction) {
    this.#hash = hash;
  }

  get size(): number {
    return this.#homes.size;
  }

  /** Ids ascend over all calls. */
  add(interest: T): void {
    const { id, template } = interest;
    assert(!this.#homes.has(id), 'an interest is added once');
    let buckets = this.#shapes.get(template.length);
    if (buckets === undefined) this.#shapes.set(template.length, (buckets = new Map()));
    const home = this.#homeOf(buckets, template);
    let bucket = buckets.get(home);
    if (bucket === undefined) buckets.set(home, (bucket = new Map()));
    bucket.set(id, interest);
    this.#homes.set(id, home);
  }

  /** The interest must have been added. */
  remove({ id, template }: T): void {
    const home = this.#homes.get(id);
    const buckets = this.#shapes.get(template.length);
    const bucket = home === undefined ? undefined : buckets?.get(home);
    assert(home !== undefined && buckets !== undefined && bucket !== undefined, 'an interest was added');
    this.#homes.delete(id);
    bucket.delete(id);
    if (bucket.size > 0) return;
    buckets.delete(home);
    if (buckets.size === 0) this.#shapes.delete(template.length);
  }

  /** Whose template the tuple matches, in order of id. What was yielded may be removed meanwhile. */
  *matching(tuple: Tuple): Iterable<T> {
    const buckets = this.#shapes.get(tuple.length);
    if (buckets === undefined) return;
    for (const interest of inOrder(this.#bucketsFor(buckets, tuple))) {
      if (matches(interest.template, tuple)) yield interest;
    }
  }

  #valueKey(position: number, value: Field): string {
    const key = indexKey(this.#hash, value);
    return `${position}:${keyKind(value) ?? ''}:${typeof key}:${String(key)}`;
  }

  #homeOf(buckets: Buckets<T>, template: Template): string {
    const keyOf = (field: TemplateField, position: number): string[] =>
      field.kind === 'value' ? [this.#valueKey(position, field.value)] : [];
    let best: string | null = null;
    let bestSize = Infinity;
    for (const key of template.flatMap(keyOf)) {
      const size = buckets.get(key)?.size ?? 0;
      if (size < bestSize) [best, bestSize] = [key, size];
    }
    if (best !== null) return best;
    const position = template.findIndex((field) => field.kind === 'formal');
    const formal = template[position];
    return formal?.kind === 'formal' ? formalKey(position, formal.type) : rest;
  }

  #bucketsFor(buckets: Buckets<T>, tuple: Tuple): Bucket<T>[] {
    const found: Bucket<T>[] = [];
    const look = (key: string): void => {
      const bucket = buckets.get(key);
      if (bucket !== undefined) found.push(bucket);
    };
    for (const [position, field] of tuple.entries()) {
      const type = fieldType(field);
      if (type === null) continue;
      look(this.#valueKey(position, field));
      look(formalKey(position, type));
    }
    look(rest);
    return found;
  }
}

/** The few buckets as one, in order of id. */
function* inOrder<T extends Interest>(buckets: readonly Bucket<T>[]): Iterable<T> {
  if (buckets.length === 1) {
    yield* buckets[0]!.values();
    return;
  }
  const heads: { next: T; readonly rest: Iterator<T> }[] = [];
  for (const bucket of buckets) {
    const values = bucket.values();
    const first = values.next();
    if (first.done !== true) heads.push({ next: first.value, rest: values });
  }
  while (heads.length > 0) {
    let least = 0;
    for (let i = 1; i < heads.length; i++) if (heads[i]!.next.id < heads[least]!.next.id) least = i;
    const head = heads[least]!;
    yield head.next;
    const following = head.rest.next();
    if (following.done === true) heads.splice(least, 1);
    else head.next = following.value;
  }
}
