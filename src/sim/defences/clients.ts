/** Defences at the client. */
import type { Defence } from './defence.js';
import { gullibleClient } from './removals.js';

const writesAndCounts = (adversary: string): string => `
cluster n=4 clients=2 adversaries=0:${adversary}
open c1 c2
${Array.from({ length: 8 }, (_, i) => `call c1 out ["a",${i}]\nrun 20ms\ncall c2 count ["a",null]\nrun 20ms`).join('\n')}
run 1s
`;

const fastCounts = `
cluster n=4 adversaries=0:stale-reads
open c1
${Array.from({ length: 5 }, (_, i) => `call c1 out ["a",${i}]\nrun 50ms\ncall c1 count ["a",null] fast\nrun 50ms`).join('\n')}
run 1s
`;

const believed = 'a client believes what f+1 replicas say alike';

export const clientDefences: readonly Defence[] = [
  ...['lie-to-clients', 'stale-replies', 'equivocate-replies'].map((behaviour) => ({
    behaviour,
    defence: believed,
    script: writesAndCounts(behaviour),
    withoutIt: () => gullibleClient,
    expects: ['replay'],
  })),
  {
    behaviour: 'stale-reads',
    defence: 'a fast read takes a quorum of equal answers (pitfall 5)',
    script: fastCounts,
    withoutIt: () => gullibleClient,
    expects: ['fast-reads'],
  },
];
