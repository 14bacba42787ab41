/** All behaviours of outlaws by name. */
import { burnBudget } from './burn-budget.js';
import { envelopeFlood } from './envelope-flood.js';
import { equalNumbers } from './equal-numbers.js';
import { hoardWaits } from './hoard-waits.js';
import { impersonate } from './impersonate.js';
import { leaseAbuse } from './lease-abuse.js';
import { malformed } from './malformed.js';
import { numbersAhead } from './numbers-ahead.js';
import { oldEnvelopes } from './old-envelopes.js';
import type { OutlawFactory } from './outlaw.js';
import { partialSignatures } from './partial-signatures.js';

export const outlaws: Readonly<Record<string, OutlawFactory>> = {
  'burn-budget': burnBudget,
  'envelope-flood': envelopeFlood,
  'equal-numbers': equalNumbers,
  'hoard-waits': hoardWaits,
  impersonate,
  'lease-abuse': leaseAbuse,
  malformed,
  'numbers-ahead': numbersAhead,
  'old-envelopes': oldEnvelopes,
  'partial-signatures': partialSignatures,
};
