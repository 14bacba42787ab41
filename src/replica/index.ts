/** Door of `replica`: a replica as a part of this process. */
export { startReplica } from './start-replica.js';
export type {
  OrderingSettings,
  OwnMeans,
  RunningReplica,
  RunningReplicaStatus,
  StartReplicaOptions,
} from './start-replica.js';
export type { AppendFile, LogFiles } from './storage/log-files.js';
export { openVoteLog } from './storage/open-vote-log.js';
export type { OpenedVoteLog, OpenVoteLogOptions } from './storage/open-vote-log.js';
export { openStorage } from './storage/open-storage.js';
export type { Durability } from './storage/open-storage.js';
export { restoreState } from './storage/restore-state.js';
export { genesisMarkerName } from './storage/start.js';
export type { Start as ReplicaStart } from '../ordering/index.js';
export type { Remembered, Storage, StorageListener } from './storage/port.js';
export type { VoteLog, VoteLogSettings } from './storage/vote-log.js';
export type { OrderingCore, StopReason } from './runtime.js';
export { SpareReplies } from './spare-replies.js';
export { replyBytesMax, splitReply } from './split-reply.js';
export { remedies } from './watch.js';
