/** Defences against malicious clients. */
import type { Defence } from './defence.js';
import { anybodySpeaks, endlessTurns, limited, macVectors, trustedBytes } from './outlaw-removals.js';
import { configured, withoutReplyCache } from './removals.js';
import { calls } from './scripts.js';

const beside = (outlaws: string, cluster = ''): string =>
  `cluster n=4 ${cluster} outlaws=${outlaws}\nopen c1\n`;

const onceOnly = 'outcomes are remembered by session and number';

export const outlawDefences: readonly Defence[] = [
  {
    behaviour: 'partial-signatures',
    defence: 'a signature is good for everybody or for nobody (pitfall 1)',
    script: `${beside('partial-signatures')}${calls('c1', 2, 30, '1s')}`,
    withoutIt: () => macVectors,
    expects: ['scenario'],
  },
  {
    behaviour: 'equal-numbers',
    defence: onceOnly,
    script: `${beside('equal-numbers')}${calls('c1', 2, 30, '1s')}\nrun 2s\n`,
    withoutIt: () => withoutReplyCache,
    expects: ['exactly-once', 'sessions'],
  },
  {
    behaviour: 'old-envelopes',
    defence: onceOnly,
    script: `${beside('old-envelopes')}${calls('c1', 2, 30, '1s')}\nrun 2s\n`,
    withoutIt: () => withoutReplyCache,
    expects: ['exactly-once', 'sessions'],
  },
  {
    behaviour: 'numbers-ahead',
    defence: 'a session has so many numbers beyond the lowest unanswered one, and no more',
    script: `${beside('numbers-ahead')}${calls('c1', 2, 30, '1s')}\nrun 2s\n`,
    withoutIt: () => configured({ sessionNumbersMax: Number.MAX_SAFE_INTEGER }),
    expects: ['sessions'],
  },
  {
    behaviour: 'impersonate',
    defence: 'an envelope is of the client that its stream and its signature prove',
    script: `${beside('impersonate')}${calls('c1', 2, 30, '1s')}\nrun 2s\n`,
    withoutIt: () => anybodySpeaks,
    expects: ['exactly-once'],
  },
  {
    behaviour: 'envelope-flood',
    defence: 'clients take turns',
    script: `${beside('envelope-flood', 'operations=1 batches=1')}${calls('c1', 2, 8, '1s')}`,
    withoutIt: () => endlessTurns,
    expects: ['scenario'],
  },
  {
    behaviour: 'malformed',
    defence: 'what does not decode is dropped unordered, or refused where it was ordered',
    script: `${beside('malformed')}${calls('c1', 2, 30, '1s')}\nrun 5s\n`,
    withoutIt: () => trustedBytes,
    expects: ['exception'],
  },
  {
    behaviour: 'hoard-waits',
    defence: 'a client has so many waits and subscriptions, and no more (pitfall 19)',
    script: `${beside('hoard-waits', 'waits=16')}${calls('c1', 2, 30, '1s')}\nrun 2s\n`,
    withoutIt: () => limited({}),
    expects: ['waiting'],
  },
  {
    behaviour: 'lease-abuse',
    defence: 'a lease below the least is refused, one beyond the longest cut to it (pitfall 16)',
    script: `${beside('lease-abuse')}${calls('c1', 2, 30, '1s')}\nrun 2s\n`,
    withoutIt: () => limited({ leaseMinMs: 1, leaseMaxMs: 2 ** 40 }),
    expects: ['lease-truth'],
  },
];

/** Behaviours without such a row, and why. */
export const undefendedOutlaws: Readonly<Record<string, string>> = {
  'burn-budget':
    'a policy denies at the end of its step budget, of which nothing can be taken away (test/attack/policy-bounds.test.ts)',
};
