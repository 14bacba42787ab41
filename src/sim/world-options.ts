/** What a simulated world is made of. Everything here is fixed before it starts. */
import type { ReplicaId } from '../base/index.js';
import type { ClientCore, ClientSettings } from '../client/index.js';
import type { RequestAuth } from '../crypto/index.js';
import type {
  Authenticator,
  Input,
  OrderingConfig,
  OrderingReplica,
  Output,
  StateMachine,
} from '../ordering/index.js';
import type { LeaseLimits } from './checkers/tuple-space-model.js';
import type { CheckSettings } from './checks.js';
import type { ClockError } from './clock.js';
import type { LinkProfile } from './network.js';
import type { ReplicaCore, ReplicaHost } from './replica-host.js';
import type { Sharing } from './sharing.js';
import type { Simulator } from './simulator.js';
import type { StorageProfile, StorageTampering } from './storage.js';

/** What a deliberate bug can see and reach beside its own replica. */
export interface Surroundings {
  readonly simulator: Simulator;
  readonly replicas: readonly ReplicaHost[];
  readonly authenticators: readonly Authenticator[];
  readonly config: Omit<OrderingConfig, 'id'>;
}

/** Deliberate bugs (canaries) and Byzantine behaviours, at the edges of a replica. */
export interface Tampering extends StorageTampering {
  readonly authenticator?: (authenticator: Authenticator, replica: ReplicaId) => Authenticator;
  /** What runs in the replica's place; mostly the same replica with something changed. */
  readonly core?: (core: OrderingReplica, replica: ReplicaId, surroundings: Surroundings) => ReplicaCore;
  readonly stateMachine?: (machine: StateMachine, replica: ReplicaId) => StateMachine;
  /** A bug in the service's own code: the checkers, which run this code too, have it as well. */
  readonly service?: (machine: StateMachine) => StateMachine;
  /** Outputs in place of those that the replica's step gave for `input`. */
  readonly outputs?: (
    outputs: readonly Output[],
    replica: ReplicaId,
    surroundings: Surroundings,
    input: Input,
  ) => readonly Output[];
  /** The frames that leave `replica` for `to` in place of an encoded message. */
  readonly frames?: (bytes: Uint8Array, replica: ReplicaId, to: ReplicaId) => readonly Uint8Array[];
  /** Replicas take envelopes of anybody on every client's stream. */
  readonly isDoorOpen?: boolean;
  /** Spoils the core of a client. */
  readonly client?: (core: ClientCore) => void;
  /** What lease holders reckon with in place of clockSkewMax. */
  readonly holderSkewMs?: number;
}

/** Beside the clients and the admin. */
export interface GuardOptions {
  /** Clients that may be revoked. */
  readonly guests: number;
  /** How many of them are registered later, if at all. */
  readonly lateGuests: number;
}

export interface WorldOptions {
  readonly seed: number;
  readonly n: number;
  readonly clients: number;
  readonly config: Partial<OrderingConfig>;
  readonly clientSettings: Partial<ClientSettings>;
  readonly links: LinkProfile;
  readonly storage: StorageProfile;
  readonly replicaClock: (replica: ReplicaId) => ClockError;
  readonly clientClock: (client: number) => ClockError;
  /** How far a correct replica's idea of the time is from true time at most, ticks included. */
  readonly clockErrorMaxMs: number;
  readonly leaseLimits: LeaseLimits;
  /** Of each client; 16,384 by default. */
  readonly waitsPerClientMax?: number;
  /** Events of a space that are kept. */
  readonly eventsPerSpaceMax: number;
  readonly tickUs: number;
  /** How long a client takes to notice that a replica's process ended. */
  readonly breakNoticeUs: number;
  readonly checks: CheckSettings;
  /** Clients are registered by name, and there is an admin; left out: everybody is admitted. */
  readonly guards?: GuardOptions;
  /** The replicas' shares; left out: no space can be confidential. */
  readonly sharing?: Sharing;
  /** Default `signature`, as in the cluster file. */
  readonly requestAuth?: RequestAuth;
  /** As in SpareReplies, for a step in place of a turn. */
  readonly toldPerTurn?: number;
  readonly tampering?: Tampering;
}
