/** Door of `base`: words that every room shares and that know no domain. */
export * from './assert.js';
export * from './bytes.js';
export * from './errors.js';
export * from './ids.js';
export { compareLists, groupsRoot, leafDigest, listed, nodeBytes, pagesDigest } from './page-proof.js';
export { groupOf, pagesPerGroup, type ListedNode } from './page-proof.js';
export * from './page-tree.js';
export * from './prng.js';
