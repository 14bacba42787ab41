/** Random well-formed values of every message, for the property tests of the codecs. */
import fc from 'fast-check';
import {
  clientId,
  clientName,
  digest,
  replicaId,
  sequenceNumber,
  sessionId,
  toHex,
  viewNumber,
  type ClientId,
  type Digest,
} from '../../../src/base/index.js';
import {
  any,
  double,
  encodeEnvelopeBody,
  encodeNewViewBody,
  encodeViewChangeBody,
  formal,
  hidden,
  normalizeField,
  macBytes,
  sealEnvelope,
  sealWithMacs,
  sortedNames,
  Tag,
  type Access,
  type AdminResult,
  type Batch,
  type CheckpointCertificate,
  type ClientRecord,
  type ClientMessage,
  type Entry,
  type EnvelopeBody,
  type PlainField,
  type Field,
  type FieldType,
  type HeaderPage,
  type LogRecord,
  type NewView,
  type Operation,
  type Outcome,
  type PeerMessage,
  type RefusalCode,
  type RepairEvidence,
  type Result,
  type Sealed,
  type ServerMessage,
  type SessionPage,
  type SessionRefusal,
  type SpaceConfig,
  type SpaceDescription,
  type SpaceEvent,
  type SpaceOperation,
  type SpaceRecord,
  type StateNode,
  type Template,
  type TemplateField,
  type Tuple,
  type ViewChange,
  type ViewEntry,
} from '../../../src/codec/index.js';

function record<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;
}

const exactBytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
export const someBytes = fc.uint8Array({ maxLength: 200 });
/** Small ones, those at the edges of a varint, and the largest. */
export const integer = fc.oneof(
  fc.nat(300),
  fc.constantFrom(0, 127, 128, 16383, 16384, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1),
  fc.maxSafeNat(),
);
const small = fc.oneof(fc.nat(300), fc.constant(2 ** 32 - 1));
const key: fc.Arbitrary<Digest> = exactBytes(32).map((bytes) => digest(toHex(bytes)));
const client: fc.Arbitrary<ClientId> = exactBytes(32).map((bytes) => clientId(toHex(bytes)));
const signature = exactBytes(64);
const view = integer.map(viewNumber);
const number = integer.map(sequenceNumber);
const session = integer.map(sessionId);
const replica = fc.nat(63).map(replicaId);
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const uint64 = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.bigInt({ min: 0n, max: 300n }));

export const field: fc.Arbitrary<PlainField> = fc
  .oneof(
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.maxSafeInteger(),
    int64,
    fc.double({ noNaN: true }).map(double),
    fc.integer().map(double),
    fc.boolean(),
    fc.uint8Array({ maxLength: 70 }),
  )
  .map((value) => normalizeField(value));

export const tuple = fc.array(field, { maxLength: 8 });
const tag = fc
  .tuple(fc.constantFrom<FieldType>('string', 'int', 'double', 'bool', 'bytes'), exactBytes(32))
  .map(([type, point]) => new Tag(type, point));
/** As a confidential space holds it in place of a tuple. */
export const fingerprint: fc.Arbitrary<Tuple> = fc.array(
  fc.oneof<fc.Arbitrary<Field>[]>(field, tag, fc.constant(hidden)),
  { maxLength: 8 },
);
const tupleOrFingerprint = fc.oneof<fc.Arbitrary<Tuple>[]>(tuple, fingerprint);
export const templateField: fc.Arbitrary<TemplateField> = fc.oneof(
  field.map((value) => ({ kind: 'value' as const, value })),
  fc.constant(any),
  fc.constantFrom(...Object.values(formal)),
);
export const template = fc.array(templateField, { maxLength: 8 });
/** Over public and comparable fields. */
export const fingerprintTemplate: fc.Arbitrary<Template> = fc.array(
  fc.oneof(
    templateField,
    tag.map((value) => ({ kind: 'value' as const, value })),
  ),
  { maxLength: 8 },
);

export const envelopeBody: fc.Arbitrary<EnvelopeBody> = fc.oneof(
  record({ kind: fc.constant('open' as const), client, nonce: exactBytes(16) }),
  record({ kind: fc.constant('rejoin' as const), replica, startedAt: integer, nonce: exactBytes(16) }),
  record({
    client,
    session,
    lowestUnanswered: fc.oneof(fc.nat(300), fc.nat(2 ** 31)),
    distance: fc.nat(2000),
    operations: fc.array(someBytes, { minLength: 1, maxLength: 5 }),
    finished: fc.uniqueArray(fc.oneof(fc.nat(300), fc.nat(2 ** 31)), { maxLength: 5 }),
  }).map(({ distance, finished, ...body }) => {
    const firstNumber = Math.max(1, body.lowestUnanswered + distance);
    return {
      kind: 'requests' as const,
      ...body,
      firstNumber,
      finished: finished.filter((each) => each > 0 && each < firstNumber).sort((a, b) => a - b),
    };
  }),
);

export const envelope = fc
  .tuple(envelopeBody, signature, fc.option(fc.integer({ min: 1, max: 64 })))
  .map(([body, signatureBytes, macCount]) => {
    const signedBytes = encodeEnvelopeBody(body);
    return body.kind === 'rejoin' || macCount === null
      ? sealEnvelope(body, signedBytes, signatureBytes)
      : sealWithMacs(body, signedBytes, new Uint8Array(macCount * macBytes).fill(macCount));
  });

export const batch: fc.Arbitrary<Batch> = fc.oneof(
  fc.constant({ time: null, envelopes: [] }),
  record({ time: integer, envelopes: fc.array(someBytes, { maxLength: 5 }) }),
);

const certificate: fc.Arbitrary<CheckpointCertificate> = record({
  sequenceNumber: number,
  stateDigest: key,
  signatures: fc
    .uniqueArray(record({ replica, signature }), { selector: (each) => each.replica, maxLength: 7 })
    .map((signatures) => signatures.sort((a, b) => a.replica - b.replica)),
});

const viewEntry: fc.Arbitrary<ViewEntry> = record({ sequenceNumber: number, view, digest: key });

function ascending(entries: ViewEntry[]): ViewEntry[] {
  const byDigest = (a: ViewEntry, b: ViewEntry) => (a.digest < b.digest ? -1 : Number(a.digest > b.digest));
  return entries.sort((a, b) => a.sequenceNumber - b.sequenceNumber || byDigest(a, b));
}

export const viewChangeBody = record({
  view,
  replica,
  incarnation: integer,
  checkpoint: certificate,
  prepared: fc
    .uniqueArray(viewEntry, { selector: (each) => each.sequenceNumber, maxLength: 5 })
    .map(ascending),
  prePrepared: fc
    .uniqueArray(viewEntry, { selector: (each) => `${each.sequenceNumber} ${each.digest}`, maxLength: 8 })
    .map(ascending),
});

export const viewChange: fc.Arbitrary<ViewChange> = fc
  .tuple(viewChangeBody, signature)
  .map(([body, signatureBytes]) => ({
    kind: 'viewChange',
    ...body,
    body: encodeViewChangeBody(body),
    signature: signatureBytes,
  }));

const chosen = fc
  .tuple(fc.nat(2 ** 40), fc.array(key, { maxLength: 5 }))
  .map(([first, digests]) =>
    digests.map((each, i) => ({ sequenceNumber: sequenceNumber(first + i), digest: each })),
  );

export const newView: fc.Arbitrary<NewView> = fc
  .tuple(record({ view, replica, viewChanges: fc.array(viewChange, { maxLength: 3 }), chosen }), signature)
  .map(([body, signatureBytes]) => ({
    kind: 'newView',
    ...body,
    body: encodeNewViewBody(body),
    signature: signatureBytes,
  }));

const kind = <K extends string>(name: K) => fc.constant(name);

const section = fc.constantFrom<0 | 1>(0, 1);
const stateNode: fc.Arbitrary<StateNode> = fc.oneof(
  fc.constant({ level: 'roots' as const, section: 0 as const, number: 0 }),
  section.map((each) => ({ level: 'groups' as const, section: each, number: 0 })),
  record({ level: fc.constantFrom('pages' as const, 'page' as const), section, number: integer }),
);

const stateNodesAt = fc.array(
  fc.tuple(stateNode, integer).map(([node, offset]) => ({ ...node, offset })),
  { minLength: 1, maxLength: 4 },
);
const stateNodePart = fc
  .tuple(stateNode, fc.nat(300), fc.nat(300), fc.uint8Array({ minLength: 1, maxLength: 40 }))
  .map(([node, offset, more, data]) => ({
    ...node,
    offset,
    totalBytes: offset + data.length + more,
    data,
  }));

export const peerMessage: fc.Arbitrary<PeerMessage> = fc.oneof(
  record({ kind: kind('prePrepare'), view, sequenceNumber: number, batch: someBytes }),
  record({ kind: kind('prepare'), view, sequenceNumber: number, digest: key }),
  record({ kind: kind('commit'), view, sequenceNumber: number, digest: key }),
  record({ kind: kind('checkpoint'), sequenceNumber: number, stateDigest: key, replica, signature }),
  viewChange,
  newView,
  record({
    kind: kind('status'),
    view,
    isActive: fc.boolean(),
    isObserver: fc.boolean(),
    lastExecuted: number,
    findsPrimarySlow: fc.boolean(),
    stableCheckpoint: number,
  }),
  record({ kind: kind('stableCheckpoint'), certificate }),
  record({ kind: kind('fetchBatch'), digest: key }),
  record({ kind: kind('batchBody'), batch: someBytes }),
  record({
    kind: kind('fetchState'),
    sequenceNumber: number,
    nodes: stateNodesAt,
  }),
  record({ kind: kind('stateGone'), sequenceNumber: number, certificate }),
  record({ kind: kind('forward'), envelope: someBytes }),
  record({
    kind: kind('stateNodes'),
    sequenceNumber: number,
    parts: fc.array(stateNodePart, { minLength: 1, maxLength: 4 }),
  }),
);

const sessionRefusal = fc.constantFrom<SessionRefusal>(
  'SESSION_EXPIRED',
  'REPLIES_FULL',
  'NUMBER_OUT_OF_WINDOW',
);
export const outcome: fc.Arbitrary<Outcome> = fc.oneof(
  record({ kind: kind('result'), result: someBytes }),
  record({ kind: kind('refused'), code: sessionRefusal }),
  record({ kind: kind('waiting') }),
);

export const clientMessage: fc.Arbitrary<ClientMessage> = fc.oneof(
  record({ kind: kind('hello'), client, session, signature }),
  record({ kind: kind('attach'), session }),
  record({ kind: kind('submit'), envelope: someBytes }),
  record({ kind: kind('read'), readId: integer, operation: someBytes }),
  record({
    kind: kind('read'),
    readId: integer,
    operation: someBytes,
    wantsShares: fc.constant(true as const),
  }),
  record({ kind: kind('statusRequest'), requestId: integer }),
  record({ kind: kind('follow'), session, number: integer, after: integer }),
  record({ kind: kind('fetchSnapshot'), requestId: integer, sequenceNumber: number, nodes: stateNodesAt }),
);

const text = fc.string({ unit: 'binary', maxLength: 30 });
export const serverMessage: fc.Arbitrary<ServerMessage> = fc.oneof(
  record({ kind: kind('challenge'), replica, nonce: exactBytes(32) }),
  record({ kind: kind('welcome'), view }),
  record({ kind: kind('notice'), code: text }),
  record({ kind: kind('opened'), view, nonce: exactBytes(16), session }),
  record({
    kind: kind('reply'),
    view,
    session,
    firstNumber: integer,
    outcomes: fc.array(outcome, { maxLength: 5 }),
  }),
  record({ kind: kind('readReply'), readId: integer, result: fc.option(someBytes) }),
  record({
    session,
    number: integer,
    ends: fc.uniqueArray(integer, { minLength: 2, maxLength: 2 }),
    data: someBytes,
  }).map(({ ends, ...event }) => ({
    kind: 'feedEvent' as const,
    ...event,
    previous: Math.min(...ends),
    sequence: Math.max(...ends),
  })),
  record({ kind: kind('feedTruncated'), session, number: integer, after: integer }),
  record({
    kind: kind('snapshotNodes'),
    requestId: integer,
    certificate,
    parts: fc.array(stateNodePart, { maxLength: 4 }),
  }),
  record({
    kind: kind('statusReply'),
    requestId: integer,
    replica,
    view,
    primary: replica,
    isActive: fc.boolean(),
    isObserver: fc.boolean(),
    executed: number,
    stableCheckpoint: number,
    stateDigest: key,
    peersConnected: small,
    clientsConnected: small,
    version: text,
    refusals: fc.array(record({ code: text, client: text, space: text, count: integer }), {
      maxLength: 64,
    }),
    suspicions: fc.array(record({ of: text, reason: text, count: integer }), { maxLength: 64 }),
  }),
);

const space = fc.string({ unit: 'binary', maxLength: 20 });
const lease = integer.map((ms) => Math.max(1, ms));
const name = fc.stringMatching(/^[A-Za-z0-9._-]{1,64}$/).map(clientName);
const names = fc.array(name, { maxLength: 3 }).map(sortedNames);
const access: fc.Arbitrary<Access> = fc.record(
  { readers: names, takers: names },
  { requiredKeys: [], noNullPrototype: true },
);
const origin = fc.record({ space, inserter: client, session, number: integer }, { noNullPrototype: true });
export const sealed: fc.Arbitrary<Sealed> = fc
  .tuple(someBytes, origin)
  .map(([bytes, from]) => ({ bytes, ...from }));
function withSealed<T extends object, S>(
  plain: fc.Arbitrary<T>,
  values: fc.Arbitrary<S>,
): fc.Arbitrary<T & { readonly sealed?: S }> {
  return fc
    .tuple(plain, fc.option(values))
    .map(([fields, value]) => (value === null ? fields : { ...fields, sealed: value }));
}
function narrowed<T extends object>(plain: fc.Arbitrary<T>): fc.Arbitrary<T & Access> {
  return fc.tuple(plain, access).map(([fields, lists]) => ({ ...fields, ...lists }));
}
const spaceOperation: fc.Arbitrary<SpaceOperation> = fc.oneof(
  withSealed(
    narrowed(record({ kind: kind('out'), space, tuple: tupleOrFingerprint, lease: fc.option(lease) })),
    someBytes,
  ),
  record({ kind: kind('spaceKey'), space }),
  record({ kind: kind('repair'), space, evidence: someBytes }),
  record({ kind: kind('rdp'), space, template: fingerprintTemplate }),
  record({ kind: fc.constantFrom('rdp', 'inp', 'count'), space, template }),
  record({ kind: kind('rdAll'), space, template, limit: small, after: uint64 }),
  record({ kind: kind('inAll'), space, template, limit: small }),
  withSealed(
    narrowed(
      record({
        kind: fc.constantFrom('cas' as const, 'replace' as const),
        space,
        template: fingerprintTemplate,
        tuple: tupleOrFingerprint,
        lease: fc.option(lease),
      }),
    ),
    someBytes,
  ),
  record({ kind: kind('renew'), space, template, lease }),
  record({ kind: fc.constantFrom('rd', 'in'), space, template, timeout: fc.option(lease) }),
  record({ kind: kind('cancel'), space, session, number: integer }),
  record({ kind: kind('subscribe'), space, template, from: fc.option(lease) }),
);

const quota = record({ entries: fc.option(integer), bytes: fc.option(integer), waits: fc.option(integer) });
const policy = fc.option(fc.string({ unit: 'binary', maxLength: 60 }));
const config: fc.Arbitrary<SpaceConfig> = record({
  insert: fc.option(names),
  readers: fc.option(names),
  takers: fc.option(names),
  quota,
  clientQuota: quota,
  policy,
  confidential: fc.option(record({ tagKey: exactBytes(32), sealedKey: someBytes })),
});
const ofNoSpace = fc.constant('' as const);
export const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 9, arbitrary: spaceOperation },
  record({ kind: kind('clientAdd'), space: ofNoSpace, name: space, publicKey: client }),
  record({
    kind: fc.constantFrom('clientRevoke' as const, 'clientPardon' as const),
    space: ofNoSpace,
    name: space,
  }),
  record({ kind: fc.constantFrom('clientList' as const, 'spaceList' as const), space: ofNoSpace }),
  record({ kind: kind('spaceCreate'), space, config }),
  record({ kind: kind('spaceSetPolicy'), space, policy }),
  record({ kind: fc.constantFrom('spaceShow' as const, 'spaceDelete' as const), space }),
);

const change = record({ time: integer, by: name, digest: fc.option(key) });
export const spaceRecord: fc.Arbitrary<SpaceRecord> = fc
  .tuple(record({ name: space, config, changes: fc.array(change, { minLength: 1, maxLength: 3 }) }), origin)
  .map(([fixed, keyOrigin]) => ({
    ...fixed,
    keyOrigin: fixed.config.confidential === null ? null : keyOrigin,
  }));
export const clientRecord: fc.Arbitrary<ClientRecord> = record({
  name,
  publicKey: client,
  addedAt: integer,
  revokedAt: fc.option(integer),
  blacklisted: fc.option(record({ time: integer, space, entry: uint64 })),
  forgedRepairs: integer,
});
const description: fc.Arbitrary<SpaceDescription> = fc
  .tuple(
    spaceRecord,
    record({ entries: integer, bytes: fc.option(integer), waits: integer, subscriptions: integer }),
  )
  .map(([fixed, used]) => ({ ...fixed, ...used, policyDigest: fixed.changes.at(-1)!.digest }));
const summary = record({
  ...{ name: space, entries: integer, policyDigest: fc.option(key) },
  confidential: fc.boolean(),
});
const adminResult: fc.Arbitrary<AdminResult> = fc.oneof(
  record({ kind: kind('client'), client: clientRecord }),
  record({ kind: kind('clients'), clients: fc.array(clientRecord, { maxLength: 3 }) }),
  record({ kind: kind('space'), space: description }),
  record({ kind: kind('spaces'), spaces: fc.array(summary, { maxLength: 3 }) }),
);

const id = uint64.map((value) => (value === 0n ? 1n : value));
export const entry: fc.Arbitrary<Entry> = withSealed(
  narrowed(record({ id, tuple: tupleOrFingerprint, owner: name, deadline: fc.option(integer) })),
  sealed,
);
export const repairEvidence: fc.Arbitrary<RepairEvidence> = record({
  subject: record({ id, fingerprint, sealed, tagKey: exactBytes(32) }),
  proof: someBytes,
});

const subject = fc.record(
  { subject: fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }) },
  { requiredKeys: [], noNullPrototype: true },
);
const refusal = fc.constantFrom<RefusalCode>(
  'MALFORMED_OPERATION',
  'NO_SUCH_SPACE',
  'TOO_MANY_FIELDS',
  'FIELD_TOO_LARGE',
  'TUPLE_TOO_LARGE',
  'RESULT_TOO_LARGE',
  'SPACE_FULL',
  'LEASE_TOO_SHORT',
  'TOO_MANY_WAITS',
  'TOO_MANY_SUBSCRIPTIONS',
  'WAIT_TOO_LONG',
  'NO_SUCH_WAIT',
  'HISTORY_TRUNCATED',
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
  'SPACE_NOT_CONFIDENTIAL',
  'SEALED_MISSING',
  'SEALED_TOO_LARGE',
  'REPAIR_UNPROVEN',
  'NOTHING_TO_REPAIR',
  'CLIENT_BLACKLISTED',
);
export const result: fc.Arbitrary<Result> = fc.oneof(
  record({ kind: kind('entry'), entry: fc.option(entry) }),
  record({ kind: kind('entries'), entries: fc.array(entry, { maxLength: 4 }) }),
  record({ kind: kind('count'), count: integer }),
  record({ kind: kind('cas'), inserted: fc.boolean(), entry: fc.option(entry) }),
  adminResult,
  fc
    .tuple(record({ kind: kind('refused'), code: refusal, detail: integer }), subject)
    .map(([refused, of]) => ({ ...refused, ...of })),
  record({ kind: kind('cancelled') }),
  record({ kind: kind('subscribed'), from: lease }),
  record({ kind: kind('spaceKey'), tagKey: exactBytes(32), sealed }),
  record({ kind: kind('repaired'), id, owner: name }),
);

export const spaceEvent: fc.Arbitrary<SpaceEvent> = fc.oneof(
  record({ kind: fc.constantFrom('inserted', 'taken', 'expired', 'replaced', 'repaired'), entry }),
  fc.tuple(record({ kind: kind('ended'), code: refusal }), subject).map(([end, of]) => ({ ...end, ...of })),
);

export const headerPage: fc.Arbitrary<HeaderPage> = record({
  protocolVersion: small,
  stateMachineVersion: small,
  lastExecuted: number,
  orderedTime: integer,
  chain: key,
  lastSession: session,
  incarnations: fc
    .uniqueArray(
      record({
        replica,
        incarnation: integer,
        sequenceNumber: number,
        startedAt: integer,
        nonce: exactBytes(16),
      }),
      {
        selector: (each) => each.replica,
        maxLength: 4,
      },
    )
    .map((records) => records.sort((a, b) => a.replica - b.replica)),
});

const outcomes = fc
  .uniqueArray(fc.tuple(integer, outcome), { selector: ([requestNumber]) => requestNumber, maxLength: 4 })
  .map((each) => each.sort((a, b) => a[0] - b[0]));

export const sessionPage: fc.Arbitrary<SessionPage> = record({
  id: session,
  client,
  nonce: exactBytes(16),
  isUsed: fc.boolean(),
  expiresAt: integer,
  lowestUnanswered: integer,
  outcomes,
  waiting: outcomes,
});

export const logRecord: fc.Arbitrary<LogRecord> = fc.oneof(
  record({ kind: kind('prePrepared'), view, sequenceNumber: number, digest: key, batch: someBytes }),
  record({ kind: kind('prepared'), view, sequenceNumber: number, digest: key }),
  record({
    kind: kind('executed'),
    sequenceNumber: number,
    digest: key,
    batch: fc.option(someBytes),
    failedChecks: fc.array(key, { maxLength: 3 }),
  }),
  record({ kind: kind('checkpoint'), sequenceNumber: number, stateDigest: key }),
  record({ kind: kind('started'), as: fc.constantFrom('genesis' as const, 'observer' as const) }),
  record({ kind: kind('voting') }),
  record({ kind: kind('viewChange'), view }),
  record({ kind: kind('newView'), newView }),
  record({ kind: kind('stableCheckpoint'), certificate }),
);

export const frame = fc.array(someBytes, { maxLength: 6 });
