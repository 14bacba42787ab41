/** A state machine with some of its functions replaced. */
import type { StateMachine } from '../../ordering/index.js';

export function altered(machine: StateMachine, changes: Partial<StateMachine>): StateMachine {
  return {
    version: machine.version,
    execute: (operation) => machine.execute(operation),
    query: (client, operation, time) => machine.query(client, operation, time),
    slowCheck: (operation) => machine.slowCheck(operation),
    nextDeadline: () => machine.nextDeadline(),
    checkpoint: () => machine.checkpoint(),
    restore: (pages) => machine.restore(pages),
    ...changes,
  };
}
