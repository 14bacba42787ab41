/** Bytes of administration (administration.ts): operations, their results, and the records that are replicated state. */
import type { Digest } from '../base/index.js';
import type {
  AdminOperation,
  AdminResult,
  Blacklisting,
  ClientRecord,
  ConfidentialConfig,
  PolicyChange,
  Quota,
  SpaceConfig,
  SpaceDescription,
  SpaceSummary,
} from './administration.js';
import { originFromWire, originToWire, sealedBytesOf, spaceNameBytesMax } from './entry-codec.js';
import { theodora as proto } from './generated/wire.js';
import { clientNameFromWire, namesFromWire, namesToWire, textFromWire, textToWire } from './names.js';
import type { Operation } from './operations.js';
import { tagPointBytes } from './tuples.js';
import {
  bigInteger,
  check,
  clientOf,
  decodeWire,
  digestOf,
  encodeWire,
  exactly,
  hexBytes,
  safeInteger,
  wireInteger,
} from './wire.js';
import type { WireInteger } from './wire.js';

/** Longer modules are none (policy room); what is longer here is refused there. */
const policyBytesMax = 1 << 18;
const nameBytesMax = 256;
const recordElementsMax = 2_048;

const adminKinds = new Set<Operation['kind']>([
  ...(['clientAdd', 'clientRevoke', 'clientPardon', 'clientList', 'spaceCreate', 'spaceSetPolicy'] as const),
  ...(['spaceDelete', 'spaceShow', 'spaceList'] as const),
]);

export function isAdminOperation(operation: Operation): operation is AdminOperation {
  return adminKinds.has(operation.kind);
}

export function adminToWire(operation: AdminOperation): proto.Operation.$Properties {
  switch (operation.kind) {
    case 'clientAdd': {
      const { name, publicKey } = operation;
      return { clientAdd: { name: textToWire(name), publicKey: hexBytes(publicKey) } };
    }
    case 'clientRevoke':
      return { clientRevoke: textToWire(operation.name) };
    case 'clientPardon':
      return { clientPardon: textToWire(operation.name) };
    case 'clientList':
      return { clientList: {} };
    case 'spaceCreate':
      return { spaceCreate: configToWire(operation.config) };
    case 'spaceSetPolicy':
      return { spaceSetPolicy: operation.policy === null ? {} : { text: textToWire(operation.policy) } };
    case 'spaceDelete':
      return { spaceDelete: {} };
    case 'spaceShow':
      return { spaceShow: {} };
    case 'spaceList':
      return { spaceList: {} };
  }
}

/** For use inside `decodeWire`. */
export function adminFromWire(wire: proto.Operation, space: string): AdminOperation {
  if (wire.spaceCreate !== null)
    return { kind: 'spaceCreate', space, config: configFromWire(wire.spaceCreate) };
  if (wire.spaceSetPolicy !== null) {
    const { text } = wire.spaceSetPolicy;
    return {
      kind: 'spaceSetPolicy',
      space,
      policy: text === null ? null : textFromWire(text, policyBytesMax),
    };
  }
  if (wire.spaceDelete !== null) return { kind: 'spaceDelete', space };
  if (wire.spaceShow !== null) return { kind: 'spaceShow', space };
  check(space === '');
  if (wire.spaceList !== null) return { kind: 'spaceList', space };
  if (wire.clientList !== null) return { kind: 'clientList', space };
  if (wire.clientRevoke !== null)
    return { kind: 'clientRevoke', space, name: textFromWire(wire.clientRevoke, nameBytesMax) };
  if (wire.clientPardon !== null)
    return { kind: 'clientPardon', space, name: textFromWire(wire.clientPardon, nameBytesMax) };
  check(wire.clientAdd !== null);
  const { name, publicKey } = wire.clientAdd;
  return {
    kind: 'clientAdd',
    space,
    name: textFromWire(name, nameBytesMax),
    publicKey: clientOf(publicKey),
  };
}

function quotaToWire({ entries, bytes, waits }: Quota): proto.Quota.$Properties {
  const wire: proto.Quota.$Properties = {};
  if (entries !== null) wire.entries = entries;
  if (bytes !== null) wire.bytes = bytes;
  if (waits !== null) wire.waits = waits;
  return wire;
}

function boundOf(wire: WireInteger | null): number | null {
  return wire === null ? null : safeInteger(wire);
}

function quotaFromWire(wire: proto.Quota | null): Quota {
  check(wire !== null);
  return { entries: boundOf(wire.entries), bytes: boundOf(wire.bytes), waits: boundOf(wire.waits) };
}

function configToWire(config: SpaceConfig): proto.SpaceConfig.$Properties {
  const { insert, readers, takers, quota, clientQuota, policy, confidential } = config;
  const wire: proto.SpaceConfig.$Properties = {
    quota: quotaToWire(quota),
    clientQuota: quotaToWire(clientQuota),
  };
  if (insert !== null) wire.insert = namesToWire(insert);
  if (readers !== null) wire.readers = namesToWire(readers);
  if (takers !== null) wire.takers = namesToWire(takers);
  if (policy !== null) wire.policy = textToWire(policy);
  if (confidential !== null) wire.confidential = confidential;
  return wire;
}

function configFromWire(wire: proto.SpaceConfig): SpaceConfig {
  return {
    insert: namesFromWire(wire.insert),
    readers: namesFromWire(wire.readers),
    takers: namesFromWire(wire.takers),
    quota: quotaFromWire(wire.quota),
    clientQuota: quotaFromWire(wire.clientQuota),
    policy: wire.policy === null ? null : textFromWire(wire.policy, policyBytesMax),
    confidential: wire.confidential === null ? null : confidentialFromWire(wire.confidential),
  };
}

function confidentialFromWire({ tagKey, sealedKey }: proto.Confidential): ConfidentialConfig {
  return { tagKey: exactly(tagPointBytes, tagKey), sealedKey: sealedBytesOf(sealedKey) };
}

/** What is fixed of a space, and the history of that: its page. */
export type SpaceRecord = Pick<SpaceDescription, 'name' | 'config' | 'changes' | 'keyOrigin'>;

function changeToWire({ time, by, digest }: PolicyChange): proto.PolicyChange.$Properties {
  const wire: proto.PolicyChange.$Properties = { time, by: textToWire(by) };
  if (digest !== null) wire.digest = hexBytes(digest);
  return wire;
}

function changeFromWire({ time, by, digest }: proto.PolicyChange): PolicyChange {
  return {
    time: safeInteger(time),
    by: clientNameFromWire(by),
    digest: digest === null ? null : digestOf(digest),
  };
}

function spaceRecordToWire(record: SpaceRecord): proto.SpaceRecord.$Properties {
  const { name, config, changes, keyOrigin } = record;
  const wire = { name: textToWire(name), config: configToWire(config), changes: changes.map(changeToWire) };
  return keyOrigin === null ? wire : { ...wire, keyOrigin: originToWire(keyOrigin) };
}

function spaceRecordFromWire(wire: proto.SpaceRecord | null): SpaceRecord {
  check(wire !== null && wire.config !== null);
  check((wire.keyOrigin === null) === (wire.config.confidential === null));
  return {
    name: textFromWire(wire.name, nameBytesMax),
    config: configFromWire(wire.config),
    changes: wire.changes.map(changeFromWire),
    keyOrigin: wire.keyOrigin === null ? null : originFromWire(wire.keyOrigin),
  };
}

export function encodeSpaceRecord(record: SpaceRecord): Uint8Array {
  return encodeWire(proto.SpaceRecord, spaceRecordToWire(record));
}

export function decodeSpaceRecord(bytes: Uint8Array): SpaceRecord | null {
  return decodeWire(proto.SpaceRecord, bytes, recordElementsMax, spaceRecordFromWire);
}

function clientToWire(client: ClientRecord): proto.ClientRecord.$Properties {
  const { name, publicKey, addedAt, revokedAt, blacklisted, forgedRepairs } = client;
  const wire: proto.ClientRecord.$Properties = {
    name: textToWire(name),
    publicKey: hexBytes(publicKey),
    addedAt,
    forgedRepairs,
  };
  if (revokedAt !== null) wire.revokedAt = revokedAt;
  if (blacklisted !== null) wire.blacklisted = blacklistingToWire(blacklisted);
  return wire;
}

function blacklistingToWire({ time, space, entry }: Blacklisting): proto.Blacklisting.$Properties {
  return { time, space: textToWire(space), entry: wireInteger(entry) };
}

function blacklistingFromWire({ time, space, entry }: proto.Blacklisting): Blacklisting {
  return {
    time: safeInteger(time),
    space: textFromWire(space, spaceNameBytesMax),
    entry: bigInteger(entry),
  };
}

function clientFromWire(wire: proto.ClientRecord): ClientRecord {
  return {
    name: clientNameFromWire(wire.name),
    publicKey: clientOf(wire.publicKey),
    addedAt: safeInteger(wire.addedAt),
    revokedAt: boundOf(wire.revokedAt),
    blacklisted: wire.blacklisted === null ? null : blacklistingFromWire(wire.blacklisted),
    forgedRepairs: safeInteger(wire.forgedRepairs),
  };
}

export function encodeClientRecord(record: ClientRecord): Uint8Array {
  return encodeWire(proto.ClientRecord, clientToWire(record));
}

export function decodeClientRecord(bytes: Uint8Array): ClientRecord | null {
  return decodeWire(proto.ClientRecord, bytes, recordElementsMax, clientFromWire);
}

function policyDigestOf(digest: Uint8Array | null): Digest | null {
  return digest === null ? null : digestOf(digest);
}

function summaryToWire(summary: SpaceSummary): proto.SpaceSummary.$Properties {
  const { name, entries, policyDigest, confidential } = summary;
  const wire: proto.SpaceSummary.$Properties = { name: textToWire(name), entries, confidential };
  if (policyDigest !== null) wire.policyDigest = hexBytes(policyDigest);
  return wire;
}

function summaryFromWire(wire: proto.SpaceSummary): SpaceSummary {
  const { name, entries, policyDigest, confidential } = wire;
  return {
    name: textFromWire(name, nameBytesMax),
    entries: safeInteger(entries),
    policyDigest: policyDigestOf(policyDigest),
    confidential,
  };
}

function descriptionFromWire(wire: proto.SpaceDescription): SpaceDescription {
  const record = spaceRecordFromWire(wire.record);
  const last = record.changes.at(-1);
  check(last !== undefined);
  return {
    ...record,
    policyDigest: last.digest,
    entries: safeInteger(wire.entries),
    bytes: boundOf(wire.bytes),
    waits: safeInteger(wire.waits),
    subscriptions: safeInteger(wire.subscriptions),
  };
}

export function adminResultToWire(result: AdminResult): proto.Result.$Properties {
  switch (result.kind) {
    case 'client':
      return { client: clientToWire(result.client) };
    case 'clients':
      return { clients: { clients: result.clients.map(clientToWire) } };
    case 'space': {
      const { entries, bytes, waits, subscriptions } = result.space;
      const record = spaceRecordToWire(result.space);
      const counted = bytes === null ? {} : { bytes };
      return { space: { record, entries, waits, subscriptions, ...counted } };
    }
    case 'spaces':
      return { spaces: { spaces: result.spaces.map(summaryToWire) } };
  }
}

/** For use inside `decodeWire`. */
export function adminResultFromWire(wire: proto.Result): AdminResult {
  if (wire.client !== null) return { kind: 'client', client: clientFromWire(wire.client) };
  if (wire.clients !== null) return { kind: 'clients', clients: wire.clients.clients.map(clientFromWire) };
  if (wire.space !== null) return { kind: 'space', space: descriptionFromWire(wire.space) };
  check(wire.spaces !== null);
  return { kind: 'spaces', spaces: wire.spaces.spaces.map(summaryFromWire) };
}
