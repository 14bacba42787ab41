/** What `theodora/ordering` exports: replicating a state machine of one's own. */
export { startReplica } from './start-replica.js';
export type { RunningReplica, RunningReplicaStatus, StartReplicaOptions } from './start-replica.js';
export type { StopReason } from './runtime.js';
export type {
  Effects,
  FeedLimits,
  FeedName,
  FeedPart,
  FeedPosition,
  OrderedOperation,
  StateMachine,
} from '../ordering/index.js';
export { digest, PageTree } from '../base/index.js';
export type {
  ClientId,
  Digest,
  HashFunction,
  PageSnapshot,
  SequenceNumber,
  SessionId,
} from '../base/index.js';
export { sha256 } from '../crypto/index.js';
