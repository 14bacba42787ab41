/**
 * Door of `client`, and of the package: the public library (docs/interface). The protocol's state machine is
 * exported for the simulator, which runs the very same code.
 */
export { InvalidInputError, RefusedError, TheodoraError } from '../base/index.js';
export { UnavailableError, UnknownOutcomeError } from '../base/index.js';
export { any, double, Double, formal } from '../codec/index.js';
export type { Field, FieldType, TemplateField, Tuple } from '../codec/index.js';
export type { ClusterDescription } from '../crypto/index.js';
export { Administration } from './administration.js';
export type {
  ClientBlacklisting,
  PolicyChange,
  RegisteredClient,
  SpaceConfiguration,
} from './administration.js';
export type { SpaceInformation, SpaceListing, SpaceQuota } from './administration.js';
export { Client } from './client.js';
export type { ClientParts, ExecuteOptions } from './client.js';
export { processClock } from './clock.js';
export type { LeaseClock, TurnClock } from './clock.js';
export { clusterStatus, connect } from './connect.js';
export type { ConnectOptions } from './connect.js';
export { readSnapshot } from './read-snapshot.js';
export type { Snapshot } from './read-snapshot.js';
export { saveSnapshot } from './save-snapshot.js';
export type { SavedSnapshot, SaveSnapshotOptions } from './save-snapshot.js';
export type { ClientKeys } from './identity.js';
export type { ReplicaProblem, ReplicaStatus } from './links.js';
export { Lease, LeaseLostError } from './lease.js';
export type { AccessOptions, CallOptions, SubscribeOptions, WaitOptions } from './options.js';
export { Space } from './space.js';
export type { CasResult, Entry, HeldCasResult, HeldEntry, HoldOptions } from './space-options.js';
export type { LeaseOptions, LimitOptions, PageOptions, ProtectOptions } from './space-options.js';
export type { SpaceCallOptions, SpaceOptions, TemplateInput, TupleInput } from './space-options.js';
export type { Protection } from '../confidential/index.js';
export { inlineDealer } from './seal-jobs.js';
export type { Dealer } from './seal-jobs.js';
export type { ReplicaFault, SealPorts } from './seals.js';

export { Subscription } from './subscription.js';
export type { SpaceEvent } from './answers.js';

export { Driver } from './driver.js';
export type { CallDriver, CallKind, FeedListener, FollowedFeed, PendingCall } from './driver.js';
export { ClientCore } from './core.js';
export type { ClientCoreOptions } from './core.js';
export { LeaseRule, leaseMinMs } from './lease-rule.js';
export type {
  BoundOperation,
  CallOperation,
  CallOutcome,
  CallRefusal,
  ClientInput,
  ClientOutput,
  FeedEnd,
  RequestName,
  Shares,
} from './protocol.js';
export { defaultClientSettings, operationBytesMax } from './settings.js';
export type { ClientSettings } from './settings.js';
