/**
 * Golden vectors: bytes on the wire, under signatures and in state digests must not change unnoticed.
 * After an intended change: UPDATE_VECTORS=1, and a new protocol version.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  clientId,
  clientName,
  digest,
  fromHex,
  replicaId,
  sequenceNumber,
  sessionId,
  toHex,
  viewNumber,
} from '../../../src/base/index.js';
import * as codec from '../../../src/codec/index.js';

const client = clientId('c1'.repeat(32));
const stateDigest = digest('5d'.repeat(32));
const batchDigest = digest('bd'.repeat(32));
const view = viewNumber(3);
const number = sequenceNumber(300);
const session = sessionId(7);
const replica = replicaId(2);
const filled = (length: number, byte: number) => new Uint8Array(length).fill(byte);
const signature = filled(64, 0x51);

const tuple = codec.normalizeTuple([
  'job',
  42,
  -1n,
  2n ** 62n,
  1.5,
  codec.double(1),
  true,
  Uint8Array.of(0, 255),
  '€',
]);
const template = codec.normalizeTemplate(['job', codec.any, ...Object.values(codec.formal), false]);
const entry: codec.Entry = { id: 17n, tuple, owner: clientName('alice'), deadline: null };
const timed: codec.Entry = { ...entry, deadline: 1_790_000_005_000 };

const fingerprint: codec.Tuple = ['job', new codec.Tag('int', filled(32, 0x7a)), codec.hidden];
const sealed: codec.Sealed = {
  ...{ bytes: Uint8Array.of(1, 2, 3), space: 'jobs', inserter: client, session, number: 1000 },
};
const sealedEntry: codec.Entry = { ...entry, tuple: fingerprint, sealed };

const open = { kind: 'open', client, nonce: filled(16, 0x0e) } as const;
const requests = {
  kind: 'requests',
  client,
  session,
  firstNumber: 1000,
  lowestUnanswered: 998,
  operations: [Uint8Array.of(1), Uint8Array.of(2, 3)],
  finished: [],
} as const;
const finishing = {
  ...requests,
  operations: [new Uint8Array(0)],
  finished: [3, 128, 999],
} as const;
const rejoin = { kind: 'rejoin', replica, startedAt: 1_790_000_000_000, nonce: filled(16, 0x1f) } as const;
const envelopes = [open, requests, rejoin].map((body) =>
  codec.sealEnvelope(body, codec.encodeEnvelopeBody(body), signature),
);
const maced = codec.sealWithMacs(requests, codec.encodeEnvelopeBody(requests), filled(64, 0xac));
const keepAlive = codec.sealEnvelope(finishing, codec.encodeEnvelopeBody(finishing), signature);
const batch = { time: 1_790_000_000_123, envelopes: envelopes.map((each) => each.bytes) };

const certificate = {
  sequenceNumber: sequenceNumber(128),
  stateDigest,
  signatures: [{ replica, signature }],
};
const viewChangeBody = {
  view: viewNumber(4),
  replica,
  incarnation: 1,
  checkpoint: certificate,
  prepared: [{ sequenceNumber: number, view, digest: batchDigest }],
  prePrepared: [
    { sequenceNumber: number, view: viewNumber(0), digest: stateDigest },
    { sequenceNumber: number, view, digest: batchDigest },
  ],
};
const viewChange: codec.ViewChange = {
  kind: 'viewChange',
  ...viewChangeBody,
  body: codec.encodeViewChangeBody(viewChangeBody),
  signature,
};
const newViewBody = {
  view: viewNumber(4),
  replica: replicaId(0),
  viewChanges: [viewChange],
  chosen: [{ sequenceNumber: sequenceNumber(129), digest: batchDigest }],
};

const peerMessages: readonly codec.PeerMessage[] = [
  { kind: 'prePrepare', view, sequenceNumber: number, batch: Uint8Array.of(8, 1) },
  { kind: 'prePrepare', view, sequenceNumber: number, batch: codec.nullBatch },
  { kind: 'prepare', view, sequenceNumber: number, digest: batchDigest },
  { kind: 'commit', view: viewNumber(0), sequenceNumber: number, digest: batchDigest },
  { kind: 'checkpoint', sequenceNumber: number, stateDigest, replica, signature },
  viewChange,
  { kind: 'newView', ...newViewBody, body: codec.encodeNewViewBody(newViewBody), signature },
  {
    kind: 'status',
    view,
    isActive: true,
    isObserver: false,
    lastExecuted: number,
    stableCheckpoint: sequenceNumber(256),
    findsPrimarySlow: true,
  },
  { kind: 'stableCheckpoint', certificate },
  { kind: 'fetchBatch', digest: batchDigest },
  { kind: 'batchBody', batch: codec.encodeBatch(batch) },
  {
    kind: 'fetchState',
    sequenceNumber: number,
    nodes: [
      { level: 'roots', section: 0, number: 0, offset: 0 },
      { level: 'groups', section: 1, number: 0, offset: 512 },
      { level: 'pages', section: 0, number: 3, offset: 0 },
      { level: 'page', section: 1, number: 2 ** 41, offset: 1 },
    ],
  },
  {
    kind: 'stateNodes',
    sequenceNumber: number,
    parts: [
      { level: 'page', section: 1, number: 7, offset: 2, totalBytes: 4, data: Uint8Array.of(9, 9) },
      { level: 'page', section: 0, number: 8, offset: 0, totalBytes: 0, data: new Uint8Array(0) },
    ],
  },
  { kind: 'stateGone', sequenceNumber: number, certificate },
  { kind: 'forward', envelope: envelopes[1]!.bytes },
];

const clientMessages: readonly codec.ClientMessage[] = [
  { kind: 'hello', client, session, signature },
  { kind: 'attach', session },
  { kind: 'submit', envelope: envelopes[0]!.bytes },
  { kind: 'read', readId: 5, operation: Uint8Array.of(1, 2) },
  { kind: 'read', readId: 5, operation: Uint8Array.of(1, 2), wantsShares: true },
  { kind: 'statusRequest', requestId: 0 },
  { kind: 'follow', session, number: 1000, after: 2 ** 40 },
  {
    kind: 'fetchSnapshot',
    requestId: 7,
    sequenceNumber: number,
    nodes: [{ level: 'pages', section: 1, number: 3, offset: 70_000 }],
  },
];

const serverMessages: readonly codec.ServerMessage[] = [
  { kind: 'challenge', replica, nonce: filled(32, 0xc4) },
  { kind: 'welcome', view },
  { kind: 'notice', code: 'OBSERVER' },
  { kind: 'opened', view, nonce: filled(16, 0x0e), session },
  {
    kind: 'reply',
    view,
    session,
    firstNumber: 1000,
    outcomes: [
      { kind: 'result', result: Uint8Array.of(1) },
      { kind: 'refused', code: 'SESSION_EXPIRED' },
      { kind: 'refused', code: 'REPLIES_FULL' },
      { kind: 'refused', code: 'NUMBER_OUT_OF_WINDOW' },
    ],
  },
  { kind: 'readReply', readId: 5, result: Uint8Array.of(2) },
  { kind: 'readReply', readId: 5, result: null },
  {
    kind: 'statusReply',
    requestId: 1,
    replica,
    view,
    primary: replicaId(3),
    isActive: true,
    isObserver: true,
    executed: number,
    stableCheckpoint: sequenceNumber(256),
    stateDigest,
    peersConnected: 3,
    clientsConnected: 70_000,
    version: '0.1.0',
    refusals: [],
    suspicions: [],
  },
  { kind: 'reply', view, session, firstNumber: 1000, outcomes: [{ kind: 'waiting' }] },
  { kind: 'feedEvent', session, number: 1000, previous: 0, sequence: 7, data: Uint8Array.of(1, 2) },
  { kind: 'feedTruncated', session, number: 1000, after: 7 },
  {
    kind: 'statusReply',
    requestId: 1,
    replica,
    view,
    primary: replica,
    isActive: true,
    isObserver: false,
    executed: number,
    stableCheckpoint: number,
    stateDigest,
    peersConnected: 3,
    clientsConnected: 1,
    version: '0.1.0',
    refusals: [
      { code: 'POLICY_DENIED', client: 'alice', space: 'jobs', count: 70_000 },
      { code: 'UNKNOWN_CLIENT', client: 'bb'.repeat(32), space: '', count: 1 },
    ],
    suspicions: [{ of: 'replica 3', reason: 'ENVELOPE_NOT_AUTHENTIC', count: 70_000 }],
  },
  {
    kind: 'snapshotNodes',
    requestId: 7,
    certificate,
    parts: [{ level: 'page', section: 1, number: 7, offset: 2, totalBytes: 4, data: Uint8Array.of(9, 9) }],
  },
];

const space = 'default';
const openConfig: codec.SpaceConfig = {
  ...{ insert: null, readers: null, takers: null, policy: null, confidential: null },
  quota: { entries: null, bytes: null, waits: null },
  clientQuota: { entries: null, bytes: null, waits: null },
};
const config: codec.SpaceConfig = {
  insert: [clientName('alice'), clientName('bob')],
  readers: [],
  takers: [clientName('alice')],
  quota: { entries: 1_000, bytes: 2 ** 40, waits: 0 },
  clientQuota: { entries: 0, bytes: null, waits: 7 },
  policy: 'export default {}',
  confidential: null,
};
const confidential = { tagKey: filled(32, 0x6b), sealedKey: Uint8Array.of(4, 5) };
const record: codec.SpaceRecord = {
  name: 'jobs',
  config,
  changes: [
    { time: 0, by: clientName('admin'), digest: null },
    { time: 1_790_000_000_123, by: clientName('admin'), digest: batchDigest },
  ],
  keyOrigin: null,
};
const { bytes: _, ...keyOrigin } = sealed;
const confidentialRecord: codec.SpaceRecord = {
  ...record,
  config: { ...config, confidential },
  keyOrigin,
};
const clientRecord: codec.ClientRecord = {
  name: clientName('alice'),
  publicKey: client,
  addedAt: 0,
  revokedAt: null,
  blacklisted: null,
  forgedRepairs: 0,
};
const blacklisted = { time: 1_790_000_000_123, space: 'jobs', entry: 17n };
const evidence: codec.RepairEvidence = {
  subject: { id: 17n, fingerprint, sealed, tagKey: filled(32, 0x6b) },
  proof: Uint8Array.of(6, 7),
};
const operations: readonly codec.Operation[] = [
  { kind: 'out', space, tuple, lease: null },
  { kind: 'rdp', space, template },
  { kind: 'inp', space, template },
  { kind: 'rdAll', space, template, limit: 10, after: 2n ** 64n - 1n },
  { kind: 'inAll', space, template, limit: 0 },
  { kind: 'count', space: 'größe', template: [] },
  { kind: 'cas', space, template, tuple: [], lease: null },
  { kind: 'replace', space, template, tuple, lease: null },
  { kind: 'out', space, tuple, lease: 5_000 },
  { kind: 'cas', space, template, tuple, lease: 1 },
  { kind: 'replace', space, template, tuple, lease: 2 ** 53 - 1 },
  { kind: 'renew', space, template, lease: 86_400_000 },
  { kind: 'rd', space, template, timeout: null },
  { kind: 'rd', space, template, timeout: 5_000 },
  { kind: 'in', space, template, timeout: null },
  { kind: 'in', space, template, timeout: 1 },
  { kind: 'cancel', space, session, number: 1000 },
  { kind: 'subscribe', space, template, from: null },
  { kind: 'subscribe', space, template, from: 300 },
  { kind: 'out', space, tuple, lease: null, readers: [clientName('a'), clientName('b')] },
  { kind: 'cas', space, template, tuple, lease: 1, takers: [] },
  { kind: 'replace', space, template, tuple, lease: null, readers: [], takers: [clientName('a')] },
  { kind: 'clientAdd', space: '', name: 'alice', publicKey: client },
  { kind: 'clientRevoke', space: '', name: 'alice' },
  { kind: 'clientList', space: '' },
  { kind: 'spaceCreate', space, config },
  { kind: 'spaceCreate', space, config: openConfig },
  { kind: 'spaceSetPolicy', space, policy: 'module' },
  { kind: 'spaceSetPolicy', space, policy: null },
  { kind: 'spaceShow', space },
  { kind: 'spaceDelete', space },
  { kind: 'spaceList', space: '' },
  { kind: 'out', space, tuple: fingerprint, lease: null, sealed: Uint8Array.of(1, 2, 3) },
  { kind: 'cas', space, template, tuple: fingerprint, lease: 1, sealed: Uint8Array.of(1, 2, 3) },
  { kind: 'spaceKey', space },
  { kind: 'repair', space, evidence: Uint8Array.of(1, 2) },
  { kind: 'clientPardon', space: '', name: 'alice' },
  { kind: 'spaceCreate', space, config: { ...openConfig, confidential } },
];

const refusals = [
  'MALFORMED_OPERATION',
  'NO_SUCH_SPACE',
  'TOO_MANY_FIELDS',
  'FIELD_TOO_LARGE',
  'TUPLE_TOO_LARGE',
  'RESULT_TOO_LARGE',
  'SPACE_FULL',
  'LEASE_TOO_SHORT',
] as const;
const laterRefusals = [
  'TOO_MANY_WAITS',
  'TOO_MANY_SUBSCRIPTIONS',
  'WAIT_TOO_LONG',
  'NO_SUCH_WAIT',
  'HISTORY_TRUNCATED',
] as const;
const guardRefusals = [
  'UNKNOWN_CLIENT',
  'ADMIN_ONLY',
  'ACL_DENIED',
  'POLICY_DENIED',
  'POLICY_ERROR',
  'POLICY_BUDGET',
  'QUOTA_EXCEEDED',
  'SPACE_DELETED',
  'SPACE_EXISTS',
  'INVALID_NAME',
  'TOO_MANY_NAMES',
  'TOO_MANY_SPACES',
  'TOO_MANY_CLIENTS',
  'NO_SUCH_CLIENT',
  'NAME_TAKEN',
  'KEY_TAKEN',
  'POLICY_INVALID',
  'ADMIN_STAYS',
] as const;
const confidentialRefusals = [
  'SPACE_NOT_CONFIDENTIAL',
  'SEALED_MISSING',
  'SEALED_TOO_LARGE',
  'REPAIR_UNPROVEN',
  'NOTHING_TO_REPAIR',
  'CLIENT_BLACKLISTED',
] as const;
const results: readonly codec.Result[] = [
  { kind: 'entry', entry },
  { kind: 'entry', entry: null },
  { kind: 'entries', entries: [entry, { ...entry, id: 2n ** 63n }] },
  { kind: 'entries', entries: [] },
  { kind: 'count', count: 2 ** 53 - 1 },
  { kind: 'cas', inserted: true, entry },
  { kind: 'cas', inserted: false, entry: null },
  ...refusals.map((code, detail) => ({ kind: 'refused' as const, code, detail })),
  { kind: 'entries', entries: [timed, { ...timed, deadline: 0 }] },
  { kind: 'cancelled' },
  { kind: 'subscribed', from: 300 },
  ...laterRefusals.map((code, detail) => ({ kind: 'refused' as const, code, detail })),
  { kind: 'entry', entry: { ...entry, readers: [clientName('a')], takers: [] } },
  { kind: 'client', client: { ...clientRecord, revokedAt: 1_790_000_000_123 } },
  { kind: 'clients', clients: [clientRecord] },
  {
    kind: 'space',
    space: { ...record, policyDigest: batchDigest, entries: 3, bytes: null, waits: 1, subscriptions: 2 },
  },
  { kind: 'spaces', spaces: [{ name: 'jobs', entries: 3, policyDigest: null, confidential: true }] },
  ...guardRefusals.map((code, detail) => ({ kind: 'refused' as const, code, detail, subject: 'rdp' })),
  { kind: 'entry', entry: sealedEntry },
  { kind: 'cas', inserted: false, entry: sealedEntry },
  { kind: 'entries', entries: [entry, sealedEntry] },
  { kind: 'spaceKey', tagKey: filled(32, 0x6b), sealed },
  { kind: 'repaired', id: 17n, owner: clientName('alice') },
  { kind: 'client', client: { ...clientRecord, blacklisted, forgedRepairs: 3 } },
  ...confidentialRefusals.map((code, detail) => ({ kind: 'refused' as const, code, detail })),
];
const events: readonly codec.SpaceEvent[] = [
  { kind: 'inserted', entry },
  { kind: 'taken', entry },
  { kind: 'expired', entry: timed },
  { kind: 'replaced', entry },
  { kind: 'ended', code: 'SPACE_DELETED' },
  { kind: 'ended', code: 'POLICY_DENIED', subject: 'subscribe' },
  { kind: 'taken', entry: sealedEntry },
  { kind: 'repaired', entry: sealedEntry },
];

const headerPage: codec.HeaderPage = {
  protocolVersion: 1,
  stateMachineVersion: 2,
  lastExecuted: number,
  orderedTime: 1_790_000_000_123,
  chain: batchDigest,
  lastSession: session,
  incarnations: [
    {
      replica,
      incarnation: 1,
      sequenceNumber: number,
      startedAt: 1_790_000_000_000,
      nonce: filled(16, 0x1f),
    },
  ],
};
const sessionPage: codec.SessionPage = {
  id: session,
  client,
  nonce: filled(16, 0x0e),
  isUsed: true,
  expiresAt: 1_790_000_030_000,
  lowestUnanswered: 998,
  outcomes: [
    [998, { kind: 'result', result: Uint8Array.of(1) }],
    [999, { kind: 'refused', code: 'REPLIES_FULL' }],
  ],
  waiting: [],
};
const waitingPage: codec.SessionPage = {
  ...sessionPage,
  outcomes: [[999, { kind: 'waiting' }]],
  waiting: [
    [5, { kind: 'result', result: Uint8Array.of(1) }],
    [600, { kind: 'refused', code: 'REPLIES_FULL' }],
    [999, { kind: 'waiting' }],
  ],
};

const slot = { sequenceNumber: number, digest: batchDigest };
const logRecords: readonly codec.LogRecord[] = [
  { kind: 'prePrepared', view, ...slot, batch: codec.encodeBatch(batch) },
  { kind: 'prePrepared', view: viewNumber(0), ...slot, batch: codec.nullBatch },
  { kind: 'prepared', view, ...slot },
  { kind: 'executed', ...slot, batch: null, failedChecks: [] },
  { kind: 'executed', ...slot, batch: null, failedChecks: [slot.digest, slot.digest] },
  { kind: 'executed', ...slot, batch: codec.nullBatch, failedChecks: [] },
  { kind: 'executed', ...slot, batch: codec.encodeBatch(batch), failedChecks: [] },
  { kind: 'checkpoint', sequenceNumber: number, stateDigest },
  { kind: 'started', as: 'genesis' },
  { kind: 'started', as: 'observer' },
  { kind: 'voting' },
  { kind: 'viewChange', view },
  { kind: 'viewChange', view: viewNumber(0) },
  {
    kind: 'newView',
    newView: { kind: 'newView', ...newViewBody, body: codec.encodeNewViewBody(newViewBody), signature },
  },
  { kind: 'stableCheckpoint', certificate },
];

interface Vector {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** What `bytes` must decode to; absent for bytes that are only signed. */
  readonly value?: unknown;
  readonly decoded?: unknown;
}

function vectors<T extends { kind: string }>(
  group: string,
  values: readonly T[],
  encode: (value: T) => Uint8Array,
  decode: (bytes: Uint8Array) => T | null,
): Vector[] {
  return values.map((value, i) => {
    const bytes = encode(value);
    return { name: `${group} ${i}: ${value.kind}`, bytes, value, decoded: decode(bytes) };
  });
}

function vector<T>(
  name: string,
  value: T,
  bytes: Uint8Array,
  decode: (bytes: Uint8Array) => T | null,
): Vector {
  return { name, bytes, value, decoded: decode(bytes) };
}

const all: readonly Vector[] = [
  vector('tuple', tuple, codec.encodeTuple(tuple), codec.decodeTuple),
  vector('template', template, codec.encodeTemplate(template), codec.decodeTemplate),
  vector('entry', entry, codec.encodeEntry(entry), codec.decodeEntry),
  vector('entry, timed', timed, codec.encodeEntry(timed), codec.decodeEntry),
  vector('record of a space', record, codec.encodeSpaceRecord(record), codec.decodeSpaceRecord),
  vector(
    'record of a client',
    clientRecord,
    codec.encodeClientRecord(clientRecord),
    codec.decodeClientRecord,
  ),
  vector('fingerprint', fingerprint, codec.encodeTuple(fingerprint), codec.decodeTuple),
  vector('entry, sealed', sealedEntry, codec.encodeEntry(sealedEntry), codec.decodeEntry),
  vector(
    'record of a confidential space',
    confidentialRecord,
    codec.encodeSpaceRecord(confidentialRecord),
    codec.decodeSpaceRecord,
  ),
  vector('repair evidence', evidence, codec.encodeRepairEvidence(evidence), codec.decodeRepairEvidence),
  ...vectors('operation', operations, codec.encodeOperation, codec.decodeOperation),
  ...vectors('result', results, codec.encodeResult, codec.decodeResult),
  ...vectors('event', events, codec.encodeEvent, codec.decodeEvent),
  ...envelopes.map((each) => vector(`envelope: ${each.body.kind}`, each, each.bytes, codec.decodeEnvelope)),
  vector('envelope: finished, keep-alive', keepAlive, keepAlive.bytes, codec.decodeEnvelope),
  vector('envelope: MACs of four replicas', maced, maced.bytes, codec.decodeEnvelope),
  vector('batch', batch, codec.encodeBatch(batch), codec.decodeBatch),
  ...vectors('peer message', peerMessages, codec.encodePeerMessage, codec.decodePeerMessage),
  ...vectors('client message', clientMessages, codec.encodeClientMessage, codec.decodeClientMessage),
  ...vectors('server message', serverMessages, codec.encodeServerMessage, codec.decodeServerMessage),
  vector(
    'frame',
    [Uint8Array.of(1), filled(200, 2)],
    codec.encodePeerFrame([Uint8Array.of(1), filled(200, 2)]),
    codec.decodePeerFrame,
  ),
  vector('header page', headerPage, codec.encodeHeaderPage(headerPage), codec.decodeHeaderPage),
  vector('session page', sessionPage, codec.encodeSessionPage(sessionPage), codec.decodeSessionPage),
  vector(
    'session page, operations that wait',
    waitingPage,
    codec.encodeSessionPage(waitingPage),
    codec.decodeSessionPage,
  ),
  ...vectors('log record', logRecords, codec.encodeLogRecord, codec.decodeLogRecord),
  { name: 'checkpoint body', bytes: codec.encodeCheckpointBody({ sequenceNumber: number, stateDigest }) },
  {
    name: 'hello body',
    bytes: codec.encodeHelloBody({
      clusterId: 'cluster-1',
      replica,
      certificateFingerprint: filled(32, 0xfe),
      nonce: filled(32, 0xc4),
      session,
    }),
  },
];

const file = new URL('../../vectors/codec.json', import.meta.url);
const encodings = Object.fromEntries(all.map(({ name, bytes }) => [name, toHex(bytes)]));
if (process.env['UPDATE_VECTORS'] === '1') writeFileSync(file, `${JSON.stringify(encodings, null, 2)}\n`);
const golden = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;

test('the vectors cover the same values', () => {
  expect(Object.keys(encodings)).toStrictEqual(Object.keys(golden));
});

test.each(all)('$name', ({ name, bytes, value, decoded }) => {
  expect(toHex(bytes)).toBe(golden[name]);
  expect(bytes).toStrictEqual(fromHex(golden[name]!));
  if (value !== undefined) expect(decoded).toStrictEqual(value);
});
