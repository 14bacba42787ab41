/** Backups leave it to the primary to move time when nothing is asked for: one that does not is kept. */
import { runScenario } from '../scenario/runner.js';
import { withoutDeadlines } from './altered.js';
import type { Canary } from './canary.js';

const frozenPrimary = `
cluster n=4
open c1
call c1 out ["a",1] lease=2200ms
await c1#2
freeze 0
idle 5s within=1400ms
`;

export const undemandingBackups: Canary = {
  name: 'undemanding-backups',
  bug: 'backups do not demand empty batches that are due',
  checkers: ['idle-expiry'],
  run: () =>
    runScenario(frozenPrimary, {
      tampering: { core: (core, replica) => (replica === 0 ? core : withoutDeadlines(core)) },
    }),
};
