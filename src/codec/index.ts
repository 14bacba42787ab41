/** Door of `codec`: every byte that leaves a replica or a client, and the values behind it. */
export {
  decodeClientRecord,
  decodeSpaceRecord,
  encodeClientRecord,
  encodeSpaceRecord,
  isAdminOperation,
  type SpaceRecord,
} from './admin-codec.js';
export * from './administration.js';
export { nodeBytesMax, rootsDigest, rootsOf, stateDigestOf } from './certified-state.js';
export * from './client-codec.js';
export * from './client-messages.js';
export * from './envelope.js';
export * from './envelope-codec.js';
export * from './log-record.js';
export { decodeLogRecord, encodeLogRecord, logRecordBytesMax } from './log-record-codec.js';
export * from './messages.js';
export { sortedNames } from './names.js';
export { decodeEntry, encodeEntry } from './entry-codec.js';
export * from './operation-codec.js';
export * from './operations.js';
export { noTuple, withOwnTuple, withoutOwnTuple } from './own-tuple.js';
export * from './peer-codec.js';
export * from './repair.js';
export * from './result-codec.js';
export * from './sealed.js';
export * from './sealed-tuple.js';
export { allocate, Slabs } from './slab.js';
export * from './state.js';
export * from './state-codec.js';
export * from './tuple-codec.js';
export * from './tuples.js';
