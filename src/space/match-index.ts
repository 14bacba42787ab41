/**
 * Finds the entries that a template may match without looking at the others. Two ways in, the smaller one
 * wins: by (arity, position, field value), and by type signature, which serves templates without
 * constants. Only narrows: whoever asks still compares with `matches`, unless told that all match. Must
 * not know operations or limits.
 */
import { assert, type HashFunction } from '../base/index.js';
import type { Field, FieldType, Template, TemplateField } from '../codec/index.js';
import { fieldType } from '../codec/index.js';
import { emptyCursor, EntrySet, type Cursor } from './entry-set.js';
import { indexKey, isKeyExact, keyKind, type IndexKey, type KeyKind } from './index-key.js';
import { MergeCursor } from './merge-cursor.js';
import { postingCursor, postingSize, withEntry, withoutEntry, type Posting } from './posting.js';
import type { StoredEntry } from './stored-entry.js';

export interface Candidates {
  /** In ascending order of id; good until the next change. */
  readonly cursor: Cursor;
  /** Number of candidates, from the first entry on. */
  readonly size: number;
  /** All of them match. */
  readonly isExact: boolean;
}

type ValueMap = Map<IndexKey, Posting>;

/** The entries of one arity. */
interface Shape {
  /** Every entry, by the types of its fields. Invariant: no set is empty. */
  readonly signatures: Map<string, EntrySet>;
  /** Every entry once per position that is not hidden, by kind and value of that field. Invariant: no map is empty. */
  readonly positions: readonly Map<KeyKind, ValueMap>[];
}

/** Constants that narrow down to so few are not worth looking at signatures. */
const fewCandidates = 32;

const typeLetter: Readonly<Record<FieldType, string>> = {
  string: 's',
  int: 'i',
  double: 'd',
  bool: 'b',
  bytes: 'y',
};
const hiddenLetter = '-';
const anyLetter = '*';

function letterOf(field: Field): string {
  const type = fieldType(field);
  return type === null ? hiddenLetter : typeLetter[type];
}

function signatureOf(tuple: readonly Field[]): string {
  let signature = '';
  for (const field of tuple) signature += letterOf(field);
  return signature;
}

function patternLetter(field: TemplateField): string {
  if (field.kind === 'any') return anyLetter;
  return field.kind === 'formal' ? typeLetter[field.type] : letterOf(field.value);
}

function fits(pattern: string, signature: string): boolean {
  for (let i = 0; i < pattern.length; i++) {
    if (pattern[i] !== anyLetter && pattern[i] !== signature[i]) return false;
  }
  return true;
}

/** The sets whose entries have the types that the template asks for. */
function setsFor(shape: Shape, template: Template): EntrySet[] {
  let pattern = '';
  for (const field of template) pattern += patternLetter(field);
  if (!pattern.includes(anyLetter)) {
    const set = shape.signatures.get(pattern);
    return set === undefined ? [] : [set];
  }
  const sets: EntrySet[] = [];
  for (const [signature, set] of shape.signatures) if (fits(pattern, signature)) sets.push(set);
  return sets;
}

function fromSets(sets: readonly EntrySet[], after: number, isExact: boolean): Candidates {
  let size = 0;
  for (const set of sets) size += set.size;
  const cursors = sets.map((set) => set.cursor(after));
  return { cursor: cursors.length === 1 ? cursors[0]! : new MergeCursor(cursors), size, isExact };
}

function kindOf(value: Field): KeyKind {
  const kind = keyKind(value);
  assert(kind !== null, 'a template has no hidden values');
  return kind;
}

const noCandidates: Candidates = { cursor: emptyCursor, size: 0, isExact: true };

export class MatchIndex {
  readonly #hash: HashFunction;
  /** Invariant: every shape has an entry. */
  readonly #shapes = new Map<number, Shape>();

  constructor(hash: HashFunction) {
    this.#hash = hash;
  }

  /** The entry's id must be greater than that of every entry added before. */
  add(entry: StoredEntry): void {
    const { tuple } = entry;
    let shape = this.#shapes.get(tuple.length);
    if (shape === undefined) {
      shape = { signatures: new Map(), positions: tuple.map(() => new Map<KeyKind, ValueMap>()) };
      this.#shapes.set(tuple.length, shape);
    }
    const signature = signatureOf(tuple);
    let set = shape.signatures.get(signature);
    if (set === undefined) shape.signatures.set(signature, (set = new EntrySet()));
    set.add(entry);
    for (let i = 0; i < tuple.length; i++) this.#addField(shape.positions[i]!, tuple[i]!, entry);
  }

  /** The entry must have been added. */
  remove(entry: StoredEntry): void {
    const { tuple } = entry;
    const shape = this.#shapes.get(tuple.length);
    const signature = signatureOf(tuple);
    const set = shape?.signatures.get(signature);
    assert(shape !== undefined && set !== undefined, 'a removed entry was indexed');
    set.remove(entry);
    if (set.size === 0) shape.signatures.delete(signature);
    for (let i = 0; i < tuple.length; i++) this.#removeField(shape.positions[i]!, tuple[i]!, entry);
    if (shape.signatures.size === 0) this.#shapes.delete(tuple.length);
  }

  /** Every entry; a copy, in no particular order. */
  all(): readonly StoredEntry[] {
    const entries: StoredEntry[] = [];
    for (const { signatures } of this.#shapes.values()) {
      for (const set of signatures.values())
        for (const cursor = set.cursor(0); cursor.entry !== null; cursor.advance())
          entries.push(cursor.entry);
    }
    return entries;
  }

  /** Candidates with an id greater than `after`. */
  candidates(template: Template, after: number): Candidates {
    const shape = this.#shapes.get(template.length);
    if (shape === undefined) return noCandidates;
    let best: Posting | null = null;
    let bestSize = Number.POSITIVE_INFINITY;
    let conditions = 0;
    let isKnownExact = true;
    for (let i = 0; i < template.length; i++) {
      const field = template[i]!;
      if (field.kind === 'any') continue;
      conditions++;
      if (field.kind === 'formal') continue;
      const posting = shape.positions[i]!.get(kindOf(field.value))?.get(indexKey(this.#hash, field.value));
      if (posting === undefined) return noCandidates;
      isKnownExact &&= isKeyExact(field.value);
      const size = postingSize(posting);
      if (size < bestSize) [best, bestSize] = [posting, size];
    }
    if (best === null) return fromSets(setsFor(shape, template), after, true);
    if (bestSize > fewCandidates && shape.signatures.size < bestSize) {
      const bySignature = fromSets(setsFor(shape, template), after, false);
      if (bySignature.size < bestSize) return bySignature;
    }
    return { cursor: postingCursor(best, after), size: bestSize, isExact: conditions === 1 && isKnownExact };
  }

  #addField(values: Map<KeyKind, ValueMap>, field: Field, entry: StoredEntry): void {
    const kind = keyKind(field);
    if (kind === null) return;
    let map = values.get(kind);
    if (map === undefined) values.set(kind, (map = new Map()));
    const key = indexKey(this.#hash, field);
    const before = map.get(key);
    const after = withEntry(before, entry);
    if (after !== before) map.set(key, after);
  }

  #removeField(values: Map<KeyKind, ValueMap>, field: Field, entry: StoredEntry): void {
    const kind = keyKind(field);
    if (kind === null) return;
    const map = values.get(kind);
    const key = indexKey(this.#hash, field);
    const before = map?.get(key);
    assert(map !== undefined && before !== undefined, 'a removed field was indexed');
    const after = withoutEntry(before, entry);
    if (after === undefined) map.delete(key);
    else if (after !== before) map.set(key, after);
    if (map.size === 0) values.delete(kind);
  }
}
