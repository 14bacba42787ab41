/**
 * A defence shown to be needed: a Byzantine behaviour against a cluster that has it and against one from which it was
 * taken away. Without it a checker must notice the damage, with it none may; and it must be this behaviour that does
 * the damage, since one that does none where nothing stops it tests nothing.
 */
import { runScenario } from '../scenario/runner.js';
import type { SimulationReport } from '../simulation.js';
import type { Tampering } from '../world-options.js';

export interface Defence {
  /** The name of the replica's or client's behaviour. */
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

export interface DefenceRun {
  /** The defence was taken away. */
  readonly isOpen: boolean;
  /** Whether the behaviour is there at all. */
  readonly isAttacked: boolean;
}

export function runDefence(defence: Defence, { isOpen, isAttacked }: DefenceRun): SimulationReport {
  const { script, behaviour, withoutIt } = defence;
  const text = isAttacked ? script : withoutBehaviour(script, behaviour);
  return runScenario(text, isOpen ? { tampering: withoutIt() } : {});
}

/** The scenario without the behaviour; what others do besides stays. */
function withoutBehaviour(script: string, behaviour: string): string {
  const left = (names: string): string[] => names.split('+').filter((name) => name !== behaviour);
  const option = (name: string, parts: readonly string[]): string =>
    parts.length === 0 ? '' : ` ${name}=${parts.join(',')}`;
  const outlaws = (list: string): string[] => list.split(',').flatMap((names) => left(names).join('+') || []);
  const adversaries = (list: string): string[] =>
    list.split(',').flatMap((part) => {
      const [replica = '', names = ''] = part.split(':');
      const kept = left(names);
      return kept.length === 0 ? [] : [`${replica}:${kept.join('+')}`];
    });
  return script
    .replace(/ adversaries=(\S+)/, (_, list: string) => option('adversaries', adversaries(list)))
    .replace(/ outlaws=(\S+)/, (_, list: string) => option('outlaws', outlaws(list)));
}
