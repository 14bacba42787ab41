/**
 * A canary: a deliberate bug, run in the simulator, that a checker must notice (pitfall 41: the checker
 * itself was wrong). If one is not caught, the simulator proves nothing. None touches production code: they
 * change what enters or leaves a replica, or what stands beside it.
 */
import type { SimulationReport } from '../simulation.js';

export interface Canary {
  readonly name: string;
  /** What is wrong, in a line. */
  readonly bug: string;
  /** The checkers one of which must bite. */
  readonly checkers: readonly string[];
  run(): SimulationReport;
  /** The same run without the bug, which must hold: else the canary is caught for something else. */
  readonly control?: () => SimulationReport;
}
