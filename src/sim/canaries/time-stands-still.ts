/** Without traffic nobody moves time (pitfall 18). */
import { runScenario } from '../scenario/runner.js';
import { withoutDeadlines } from './altered.js';
import type { Canary } from './canary.js';

const idle = `
cluster n=4
open c1
call c1 out ["a",1] lease=2200ms
await c1#2
idle 5s within=1400ms
`;

export const timeStandsStill: Canary = {
  name: 'time-stands-still',
  bug: 'the primary proposes no empty batches for deadlines, and nobody misses them',
  checkers: ['idle-expiry'],
  tampering: () => ({ core: withoutDeadlines }),
  run: () => runScenario(idle, { tampering: { core: withoutDeadlines } }),
};
