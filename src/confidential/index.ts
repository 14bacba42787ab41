/** Door of `confidential`: protections, fingerprints, sealing, shares, opening and repair (DESIGN section 7). */
export { createConfidentialCluster, openConfidentialCluster } from './cluster.js';
export type { ConfidentialCluster } from './cluster.js';
export { associatedBytes, contextBytes } from './context.js';
export type { Subject } from './context.js';
export { createTagger, fingerprintTemplate, fingerprintTuple } from './fingerprint.js';
export type { Tagger } from './fingerprint.js';
export { openEntry, openSpaceKey } from './opening.js';
export type { EntryOpening, ShareReplies, SpaceKeyOpening } from './opening.js';
export { protectionsOf } from './protection.js';
export type { Protection } from './protection.js';
export { judgeRepair } from './repair.js';
export { generateSpaceKey, prepareSealing, sealSpaceKey, sealTuple } from './sealing.js';
export { shareCacheKey, shareOf } from './share-reply.js';
export type { SealedSubject } from './share-reply.js';
export { ShareKeeper, subjectsOfEvent, subjectsOfResult } from './share-keeper.js';
export type { ShareKeeperOptions } from './share-keeper.js';
export { sealedSizeOf } from './sealed-size.js';
