/**
 * When a tuple matches a template (DESIGN section 4; Gelernter's Linda): equal arity, and at every position
 * an equal value, a formal of the value's type, or `any`. Both sides are in normal form (codec/tuples.ts),
 * so that types take part: 1, "1" and double(1) differ. A tag has the type of the value that it stands for and equals that
 * tag alone; what is hidden has none and matches `any` alone. Knows nothing of entries, owners or indexes.
 */
import { equalBytes } from '../base/index.js';
import type { Field, Template, TemplateField, Tuple } from '../codec/index.js';
import { Double, fieldType, Tag } from '../codec/index.js';

export function equalFields(a: Field, b: Field): boolean {
  if (a === b) return true;
  if (a instanceof Uint8Array) return b instanceof Uint8Array && equalBytes(a, b);
  if (a instanceof Tag) return b instanceof Tag && a.type === b.type && equalBytes(a.point, b.point);
  return a instanceof Double && b instanceof Double && a.value === b.value;
}

function matchesField(pattern: TemplateField, field: Field): boolean {
  if (pattern.kind === 'value') return equalFields(pattern.value, field);
  return pattern.kind === 'any' || pattern.type === fieldType(field);
}

export function matches(template: Template, tuple: Tuple): boolean {
  if (template.length !== tuple.length) return false;
  for (let i = 0; i < tuple.length; i++) if (!matchesField(template[i]!, tuple[i]!)) return false;
  return true;
}
