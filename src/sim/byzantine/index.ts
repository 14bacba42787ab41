/**
 * Byzantine behaviours, and replicas that have several of them at once. What is here knows nothing of the simulated
 * world but `withAdversaries`, which puts such replicas into it.
 */
export { withAdversaries, type Adversaries } from './adversaries.js';
export type { Behaviour, BehaviourFactory, Seat } from './behaviour.js';
export { ByzantineCore } from './byzantine-core.js';
export { createByzantineCore } from './create.js';
export { behaviours } from './table.js';
