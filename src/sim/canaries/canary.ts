/**
 * A canary: a deliberate bug, run in the simulator, that a checker must notice (pitfall 41: the checker
 * itself was wrong). If one is not caught, the simulator proves nothing. None touches production code: they
 * change what enters or leaves a replica, or what stands beside it.
 */
import { runRandom } from '../simulation.js';
import type { SimulationOptions, SimulationReport } from '../simulation.js';
import type { Tampering } from '../world-options.js';

export interface Canary {
  readonly name: string;
  /** What is wrong, in a line. */
  readonly bug: string;
  /** The checkers one of which must bite. */
  readonly checkers: readonly string[];
  /** The bug by itself, for runs other than the canary's own; each call is for one. */
  readonly tampering?: () => Tampering;
  run(): SimulationReport | Promise<SimulationReport>;
  /** The same run without the bug, which must hold: else the canary is caught for something else. */
  readonly control?: () => SimulationReport | Promise<SimulationReport>;
}

/** Under the first of the seeds from `first` on that meets the bug; the control is the same run without it. */
export function metBy(
  play: (seed: number, hasBug: boolean) => Promise<SimulationReport>,
  seedsMax: number,
  first = 1,
): { run(): Promise<SimulationReport>; control(): Promise<SimulationReport> } {
  let met = first;
  return {
    async run() {
      for (let seed = first; ; seed++) {
        const report = await play(seed, true);
        if (report.ok && seed < first + seedsMax - 1) continue;
        met = seed;
        return report;
      }
    },
    control: () => play(met, false),
  };
}

/** Random runs have to meet the bug. */
export function met(
  options: Omit<SimulationOptions, 'seed' | 'tampering'>,
  tampering: Tampering,
  seedsMax: number,
): ReturnType<typeof metBy> {
  const play = async (seed: number, hasBug: boolean): Promise<SimulationReport> =>
    runRandom({ ...options, seed, ...(hasBug ? { tampering } : {}) });
  return metBy(play, seedsMax);
}
