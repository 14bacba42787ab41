/** Door of `space`: the deterministic tuple spaces. */
export {
  checkTemplate,
  checkTuple,
  defaultSpaceLimits,
  refused,
  type Refused,
  type SpaceLimits,
} from './limits.js';
export { equalFields, matches } from './matching.js';
export { Space } from './space.js';
export { SpaceSet } from './space-set.js';
