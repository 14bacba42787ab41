/** What each size in a replica's status may reach, from the settings that bound it. */
import { faultsTolerated, type OrderingConfig } from '../ordering/index.js';

/** Messages held until durable: two votes a slot, a few statements, and as much again for a view change. */
const heldPerSlot = 4;
const heldBeside = 64;

/** Streams of the simulated clients to one replica: more of them followed something that was not let go. */
const streamsMax = 64;

export function sizeLimits(config: Omit<OrderingConfig, 'id'>): Readonly<Record<string, number>> {
  const window = config.watermarkWindow;
  // A slot refers to each digest of its Q set, to the accepted one and to the committed one.
  const bodies = window * (config.prePreparedDigestsMax + 2);
  return {
    slots: window,
    bodies,
    // A REJOIN of each replica always finds room.
    pending: config.pendingEnvelopesMax + config.n,
    wanted: bodies,
    candidateBodies: window,
    verdicts: window * config.batchOperationsMax,
    reads: config.pendingReadsMax,
    history: config.historyBatchesMax,
    statesHeld: faultsTolerated(config.n) + 1,
    stateRequests: (config.n - 1) * 1_024,
    // The limit and a group for each list that was asked for, and a few lists.
    stateNodesMissing: 5_000,
    held: heldPerSlot * window + heldBeside,
    snapshots: 4,
    viewChanges: config.n,
    // The simulated clients are few: what grows beyond this was not purged.
    sessions: 4 * config.sessionsPerClientMax,
    waiting: streamsMax + 4 * config.sessionWaitsMax,
    followers: streamsMax * config.feedsPerStreamMax,
  };
}
