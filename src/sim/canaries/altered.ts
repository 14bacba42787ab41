/** A state machine with some of its functions replaced, for canaries. */
import type { OrderingReplica, StateMachine } from '../../ordering/index.js';

export function altered(machine: StateMachine, changes: Partial<StateMachine>): StateMachine {
  return {
    version: machine.version,
    advanceTime: (time, effects) => machine.advanceTime(time, effects),
    execute: (operation, effects) => machine.execute(operation, effects),
    isClient: (client) => machine.isClient?.(client) ?? true,
    endSession: (session) => machine.endSession?.(session),
    readFeed: (feed, position, limits) => machine.readFeed?.(feed, position, limits) ?? null,
    query: (client, operation, nowMs) => machine.query(client, operation, nowMs),
    slowCheck: (operation) => machine.slowCheck(operation),
    nextDeadline: () => machine.nextDeadline(),
    checkpoint: () => machine.checkpoint(),
    restore: (pages) => machine.restore(pages),
    ...changes,
  };
}

/** A replica whose ordering layer never hears of a deadline; its state machine knows as before. */
export function withoutDeadlines(replica: OrderingReplica): OrderingReplica {
  const core = replica['core'];
  Object.assign(core, { stateMachine: altered(core.stateMachine, { nextDeadline: () => null }) });
  return replica;
}
