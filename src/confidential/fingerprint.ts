/**
 * Fingerprints (DepSpace, EuroSys '08, section 4.2): what replicas see and match in place of a tuple. Of a public field the
 * value, of a comparable one its tag, of a private one `hidden`. Typed and keyed (pitfall 33): 1 and "1" have different tags,
 * and who lacks the space's key cannot try values.
 */
import { InvalidInputError, equalBytes, toHex } from '../base/index.js';
import { Tag, encodeField, fieldType, hidden, isHidden } from '../codec/index.js';
import type { PlainField, PlainTuple, Template, TemplateField, Tuple } from '../codec/index.js';
import { createTagKey } from '../crypto/index.js';
import type { DleqProof, Group, RandomBytes } from '../crypto/index.js';
import type { Protection } from './protection.js';

/** Makes a space's tags. Values repeat, so the last used tags are kept, by value: in the client's memory only. */
export interface Tagger {
  /** g^k, 32 bytes. */
  readonly tagKey: Uint8Array;
  tag(field: PlainField): Tag;
  /** That `tag(field)` is the field's tag under `tagKey`. */
  prove(field: PlainField, random: RandomBytes): DleqProof;
}

const keptTagsMax = 1024;
/** Longer values are not worth the memory. */
const keptFieldBytesMax = 256;

/** Null unless `secret` is a key of tags (32 bytes). */
export function createTagger(group: Group, secret: Uint8Array): Tagger | null {
  const key = createTagKey(group, secret);
  if (key === null) return null;
  const kept = new Map<string, Uint8Array>();

  function pointOf(bytes: Uint8Array): Uint8Array {
    if (bytes.length > keptFieldBytesMax) return key!.tag(bytes);
    const name = toHex(bytes);
    const known = kept.get(name);
    const point = known ?? key!.tag(bytes);
    // The least recently used stands first.
    kept.delete(name);
    kept.set(name, point);
    if (kept.size > keptTagsMax) kept.delete(kept.keys().next().value!);
    return point;
  }

  return {
    tagKey: key.publicKey,
    tag: (field) => new Tag(fieldType(field)!, pointOf(encodeField(field))),
    prove: (field, random) => key.prove(encodeField(field), random),
  };
}

/** `protections`: one a field. */
export function fingerprintTuple(
  tuple: PlainTuple,
  protections: readonly Protection[],
  tagger: Pick<Tagger, 'tag'>,
): Tuple {
  return tuple.map((field, index) => {
    const protection = protections[index];
    if (protection === 'public') return field;
    return protection === 'private' ? hidden : tagger.tag(field);
  });
}

function refuse(index: number): never {
  throw new InvalidInputError(
    'CONFIDENTIAL_FIELD_PRIVATE',
    `field ${index}: private fields match nothing but any; ask for any there, or make the field comparable`,
    { index },
  );
}

function fingerprintTemplateField(
  field: TemplateField,
  index: number,
  protection: Protection | undefined,
  tagger: Pick<Tagger, 'tag'>,
): TemplateField {
  if (field.kind === 'any') return field;
  if (protection === 'private') refuse(index);
  if (field.kind === 'formal' || protection === 'public' || field.value instanceof Tag) return field;
  return { kind: 'value', value: tagger.tag(field.value) };
}

/** @throws InvalidInputError `CONFIDENTIAL_FIELD_PRIVATE` for a value or formal at a private field */
export function fingerprintTemplate(
  template: Template,
  protections: readonly Protection[],
  tagger: Pick<Tagger, 'tag'>,
): Template {
  return template.map((field, index) => fingerprintTemplateField(field, index, protections[index], tagger));
}

/** Whether arity, public values and types of comparable ones are those of the tuple; tags are not looked at. */
export function isFingerprintOf(fingerprint: Tuple, tuple: PlainTuple): boolean {
  if (fingerprint.length !== tuple.length) return false;
  return fingerprint.every((concealed, index) => {
    const field = tuple[index]!;
    if (isHidden(concealed)) return true;
    if (concealed instanceof Tag) return concealed.type === fieldType(field);
    return equalBytes(encodeField(concealed), encodeField(field));
  });
}

/** The first field of which the tag is not that of the tuple's value, or −1. */
export function wrongTagIndex(fingerprint: Tuple, tuple: PlainTuple, tagger: Pick<Tagger, 'tag'>): number {
  return fingerprint.findIndex(
    (concealed, index) =>
      concealed instanceof Tag && !equalBytes(concealed.point, tagger.tag(tuple[index]!).point),
  );
}
