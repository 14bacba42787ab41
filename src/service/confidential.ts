/**
 * What confidential spaces add (DESIGN section 7): nothing goes in unsealed, and nothing that looks sealed anywhere else;
 * the key to their tags; and repairs. What is sealed stays opaque: whether evidence proves what it says has been judged
 * before, here it is held against what the service has.
 */
import { equalBytes, type ClientId, type ClientName, type SessionId } from '../base/index.js';
import {
  decodeRepairEvidence,
  encodeRepairSubject,
  isConcealed,
  type Entry,
  type Operation,
  type RepairSubject,
  type Result,
  type Sealed,
  type SpaceConfig,
  type SpaceRecord,
  type Template,
  type Tuple,
} from '../codec/index.js';
import { refused, type Effects, type Refused, type Space } from '../space/index.js';
import type { Clients } from './clients.js';

interface Request {
  readonly sealed?: Uint8Array;
  readonly tuple?: Tuple;
  readonly template?: Template;
}

const namesConcealed = ({ tuple, template }: Request): boolean =>
  tuple?.some(isConcealed) === true ||
  template?.some((field) => field.kind === 'value' && isConcealed(field.value)) === true;

/** Where an operation comes from. */
interface From {
  readonly client: ClientId;
  readonly session: SessionId;
  readonly number: number;
}

/** Whether the operation is of the space's sort. */
export function checkConfidentiality({ confidential }: SpaceConfig, request: Request): Refused | null {
  if (confidential === null)
    return request.sealed !== undefined || namesConcealed(request)
      ? refused('SPACE_NOT_CONFIDENTIAL', 0)
      : null;
  return request.tuple !== undefined && request.sealed === undefined ? refused('SEALED_MISSING', 0) : null;
}

/** For what concerns the space as a whole: refuses who is on none of its lists. */
export function checkAnyList({ insert, readers, takers }: SpaceConfig, client: ClientName): Refused | null {
  const isOnOne = [insert, readers, takers].some((list) => list === null || list.includes(client));
  return isOnOne ? null : refused('ACL_DENIED', 0, 'any');
}

/** What the operation brings with it, and whose it is. */
export function sealedBy(operation: Operation, { client, session, number }: From): Sealed | null {
  if (!('sealed' in operation) || operation.sealed === undefined) return null;
  return { bytes: operation.sealed, space: operation.space, inserter: client, session, number };
}

export function spaceKey({ config, keyOrigin }: Pick<SpaceRecord, 'config' | 'keyOrigin'>): Result {
  const { confidential } = config;
  if (confidential === null || keyOrigin === null) return refused('SPACE_NOT_CONFIDENTIAL', 0);
  const { tagKey, sealedKey } = confidential;
  return { kind: 'spaceKey', tagKey, sealed: { bytes: sealedKey, ...keyOrigin } };
}

/** Who shows what, and what comes of it. */
export interface Repair {
  readonly space: Space;
  readonly config: SpaceConfig;
  readonly clients: Clients;
  readonly client: ClientName;
  readonly time: number;
  /** Verdict of the slow check. */
  readonly isVerified: boolean;
  readonly effects: Effects;
  /** The client is blacklisted from now on. */
  readonly onBlacklisted: (client: ClientName) => void;
}

/**
 * Evidence about another entry than the one of that number is a forgery, however well it proves what it says. An entry
 * that was repaired before is answered alike: pardons stay.
 */
export function repair(at: Repair, evidence: Uint8Array): Result {
  const { confidential } = at.config;
  if (confidential === null) return refused('SPACE_NOT_CONFIDENTIAL', 0);
  const subject = at.isVerified ? (decodeRepairEvidence(evidence)?.subject ?? null) : null;
  if (subject === null) return unproven(at);
  const last = subject.id <= Number.MAX_SAFE_INTEGER ? at.space.lastEvent(Number(subject.id)) : null;
  if (last === null) return refused('NOTHING_TO_REPAIR', 0);
  const { entry } = last;
  if (!isAbout(subject, entry, confidential.tagKey)) return unproven(at);
  const result: Result = { kind: 'repaired', id: entry.id, owner: entry.owner };
  if (last.kind === 'repaired') return result;
  at.space.repair(last, at.effects);
  const inserter = entry.sealed!.inserter;
  if (at.clients.blacklist(inserter, { time: at.time, space: at.space.name, entry: entry.id }))
    at.onBlacklisted(entry.owner);
  return result;
}

function unproven({ clients, client }: Repair): Refused {
  clients.countForgedRepair(client);
  return refused('REPAIR_UNPROVEN', 0);
}

function isAbout(subject: RepairSubject, { id, tuple, sealed }: Entry, tagKey: Uint8Array): boolean {
  if (sealed === undefined) return false;
  const own = { id, fingerprint: tuple, sealed, tagKey };
  return equalBytes(encodeRepairSubject(subject), encodeRepairSubject(own));
}
