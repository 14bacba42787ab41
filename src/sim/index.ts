/**
 * Door of `sim`: the deterministic simulator. `runRandom` plays a cluster under a seed, `runScenario` a
 * script; both say what a checker noticed. Users test with it what they build on the service:
 * `SimulatedCluster` runs their programs in virtual time.
 */
export { canaries, type Canary } from './canaries/index.js';
export {
  byzantine,
  type ByzantineOptions,
  type ByzantineProgram,
  type ByzantineRun,
} from './cluster/byzantine.js';
export { SimulatedCluster, type SimulatedClusterOptions } from './cluster/simulated-cluster.js';
export { runConfidential, type ConfidentialOptions, type ConfidentialReport } from './confidential/run.js';
export { behaviours as byzantineBehaviours, createByzantineCore } from './byzantine/index.js';
export {
  defences,
  outlawDefences,
  runDefence,
  undefended,
  undefendedOutlaws,
  type Defence,
  type DefenceRun,
} from './defences/index.js';
export { protocolBugs, type ProtocolBug } from './protocol-bugs/index.js';
export { faultKinds, type FaultKind } from './nemesis.js';
export { outlaws as outlawBehaviours } from './outlaws/index.js';
export { runRed, type RedOptions, type RedReport } from './red/run.js';
export { runTwins, type TwinsOptions } from './twins/run.js';
export { twinsScenarios } from './twins/schedule.js';
export { runScenario, type ScenarioOptions } from './scenario/runner.js';
export {
  runRandom,
  type SimulationFailure,
  type SimulationOptions,
  type SimulationReport,
} from './simulation.js';
export { boundedLoads, overBounds, workOf, type BoundedLoad } from './work/bounds.js';
export type { Work, WorkLoad } from './work/count-work.js';
