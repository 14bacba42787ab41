/** Door of `space`: the deterministic tuple spaces. */
export {
  checkAccess,
  checkLease,
  checkSealed,
  checkTemplate,
  checkTuple,
  checkWait,
  deadlineOf,
  defaultSpaceLimits,
  refused,
  type Refused,
  type SpaceLimits,
} from './limits.js';
export type { Effects } from './effects.js';
export { equalFields, matches } from './matching.js';
export { numberWithin, pageNumber } from './sections.js';
export { Space, type Requester, type WakeGuard } from './space.js';
export { SpaceSet, type SpaceSetPorts } from './space-set.js';
export { openAccess, publicEntry, type StoredEntry } from './stored-entry.js';
export type { SpaceQuotas } from './usage.js';
export type { Waiter } from './waiters.js';
export type { EventsPart, ReadLimits, ReadPosition, Subscription } from './subscriptions.js';
