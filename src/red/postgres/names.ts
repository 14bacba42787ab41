/**
 * Under which name a replica is known to PostgreSQL: as cluster_name and application_name, in synchronous_standby_names
 * and as replication slot. PostgreSQL cuts names at 63 bytes, compares them without regard to case, replaces what is not
 * ASCII, takes `*` for everybody even if it is quoted, and has only `a`–`z`, digits and `_` in the name of a slot. Two
 * ids that came out alike would count as one member, so every other byte is written `_` and two hexadecimal digits.
 */
import { postgresInputError } from './errors.js';

const prefix = 'red_';
const nameBytesMax = 63;

/** No id has this name: it holds a character that standbyName never writes. So nobody is ever waited for in vain but by intent. */
export const nobody = 'red-nobody';

/** @throws InvalidInputError POSTGRES_ID_INVALID. */
export function standbyName(id: string): string {
  let name = prefix;
  for (const byte of Buffer.from(id, 'utf8')) {
    const character = String.fromCharCode(byte);
    name += /[a-z0-9]/.test(character) ? character : `_${byte.toString(16).padStart(2, '0')}`;
  }
  // All lone surrogates turn into the same bytes.
  if (id !== '' && !/\p{Surrogate}/u.test(id) && name.length <= nameBytesMax) return name;
  throw postgresInputError(
    'POSTGRES_ID_INVALID',
    `${JSON.stringify(id)} cannot be the id of a database replica`,
    `An id has 1 to ${nameBytesMax - prefix.length} characters of a–z and 0–9; any other byte counts three times`,
    { fields: { id } },
  );
}

/** The id that standbyName made this name of; null: it is nobody's of ours. */
export function idOfStandby(name: string): string | null {
  if (!/^red_([a-z0-9]|_[0-9a-f]{2})+$/.test(name)) return null;
  const bytes = name
    .slice(prefix.length)
    .match(/_..|./g)!
    .map((part) => (part.length === 1 ? part.charCodeAt(0) : Number.parseInt(part.slice(1), 16)));
  const id = Buffer.from(bytes).toString('utf8');
  return id !== '' && Buffer.from(id, 'utf8').equals(Buffer.from(bytes)) && standbyName(id) === name
    ? id
    : null;
}
