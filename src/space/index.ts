/** Door of `space`: the deterministic tuple spaces. */
export {
  checkLease,
  checkTemplate,
  checkTuple,
  deadlineOf,
  defaultSpaceLimits,
  refused,
  type Refused,
  type SpaceLimits,
} from './limits.js';
export { equalFields, matches } from './matching.js';
export { Space } from './space.js';
export { SpaceSet } from './space-set.js';
