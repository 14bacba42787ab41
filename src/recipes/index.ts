/** Door of `recipes`, and `theodora/recipes`: what people build of tuples again and again, on the public client. */
export { Barrier, type BarrierOptions } from './barrier.js';
export type { ContendOptions } from './contend.js';
export { Election, type Leader } from './election.js';
export { Lock } from './lock.js';
export { Membership, type Member, type MembershipChange, type MembershipOptions } from './membership.js';
export type { RecipeOptions } from './names.js';
export { Queue, type QueueItem } from './queue.js';
