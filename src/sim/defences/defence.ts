/**
 * A defence shown to be needed: a Byzantine behaviour against a cluster that has it and against one from which it was
 * taken away. Without it a checker must notice the damage, with it none may. A behaviour that does no damage where
 * nothing stops it tests nothing.
 */
import { runScenario } from '../scenario/runner.js';
import type { SimulationReport } from '../simulation.js';
import type { Tampering } from '../world-options.js';

export interface Defence {
  /** The behaviour's name. */
  readonly behaviour: string;
  /** What stops it, in a line. */
  readonly defence: string;
  /** A scenario with the behaviour in it. */
  readonly script: string;
  /** Takes the defence away; each call is for one run. */
  readonly withoutIt: () => Tampering;
  /** The checkers one of which must bite without it. `scenario`: what is asked for does not come about in time. */
  readonly expects: readonly string[];
}

export const runDefence = (
  { script, withoutIt }: Defence,
  isTakenAway: boolean,
): SimulationReport => runScenario(script, isTakenAway ? { tampering: withoutIt() } : {});
