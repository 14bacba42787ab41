/** All protocol bugs that the search has to find by itself. */
import { clientBugs } from './clients.js';
import { memoryBugs } from './memory.js';
import { viewBugs } from './views.js';
import { votingBugs } from './voting.js';
import type { ProtocolBug } from './bug.js';

export type { ProtocolBug };

export const protocolBugs: readonly ProtocolBug[] = [
  ...votingBugs,
  ...viewBugs,
  ...memoryBugs,
  ...clientBugs,
];
