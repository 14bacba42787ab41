/** Door of `ordering`: PBFT as a pure state machine, for any deterministic application behind it. */
export { stateDigestOf } from '../codec/index.js';
export { defaultOrderingConfig, type OrderingConfig } from './config.js';
export type { CoreOptions, Start } from './core.js';
export type {
  DifferingPage,
  HaltReason,
  Input,
  Output,
  ReplicaStatus,
  SavedState,
  StateToSave,
} from './interface.js';
export { createDonations, refill, takeParts, type Donations } from './donations.js';
export { decideNewView, type NewViewDecision } from './new-view-decision.js';
export type {
  Authenticator,
  Effects,
  FeedLimits,
  FeedName,
  FeedPart,
  FeedPosition,
  OrderedOperation,
  SigningPurpose,
  StateMachine,
} from './ports.js';
export { faultsTolerated, quorumSize, weakQuorumSize } from './quorum.js';
export { OrderingReplica } from './replica.js';
export { protocolVersion } from './state.js';
