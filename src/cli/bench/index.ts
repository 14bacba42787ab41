/**
 * `theodora bench`: each measurement on fresh clusters of processes, loaded by a process of its own. What is measured is
 * the default configuration of this version; figures of different machines, or of a machine under other load, cannot be
 * compared.
 */
export { benchCheckpoint } from './checkpoint.js';
export { benchCompare } from './compare.js';
export { benchMemory } from './memory.js';
export { benchPeers } from './peers/index.js';
export { runBench } from './run.js';
export { scenarioNames, scenarios } from './scenarios.js';
export { benchSoak } from './soak.js';
export { benchSpaceScale } from './space-scale.js';
export {
  benchByzantine,
  benchConfidential,
  benchLeaseScale,
  benchPolicy,
  benchPvss,
  benchRecovery,
} from './special.js';
export { benchSustained } from './sustained.js';
export { defaultBenchOptions } from './options.js';
export type { BenchOptions } from './options.js';
export type { ByzantineLoad } from './byzantine.js';
