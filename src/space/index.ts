/** Door of `space`: the deterministic tuple spaces. */
export {
  checkLease,
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
export { Space } from './space.js';
export { SpaceSet } from './space-set.js';
export type { EventsPart, ReadLimits, ReadPosition } from './subscriptions.js';
