/** Bugs in who is woken, when, and what becomes of the entry (DESIGN section 4; pitfall 19). */
import type { Effects, StateMachine } from '../../ordering/index.js';
import { runScenario } from '../scenario/runner.js';
import { altered } from './altered.js';
import type { Canary } from './canary.js';

const twoWait = `
cluster n=4 clients=3
open c1 c2 c3
call c1 rd ["a",null]
until waiting c1#2
call c2 in ["a",null]
until waiting c2#2
call c3 out ["a",1]
await c3#2
run 100ms
call c3 count ["a",null]
await c3#3
run 3s
`;

const oneWaits = `
cluster n=4
open c1
call c1 rd ["a",null] wait=2s
until waiting c1#2
run 3s
`;

function canary(
  name: string,
  bug: string,
  script: string,
  service: (machine: StateMachine) => StateMachine,
): Canary {
  return {
    name,
    bug,
    checkers: ['waiting', 'lease-truth', 'replay'],
    run: () => runScenario(script, { tampering: { service } }),
    control: () => runScenario(script),
  };
}

/** The machine, with what it does to others passed through `change`. */
const through =
  (change: (effects: Effects) => { readonly effects: Effects; finish?(): void }) =>
  (machine: StateMachine): StateMachine =>
    altered(machine, {
      execute: (operation, effects) => {
        const changed = change(effects);
        const result = machine.execute(operation, changed.effects);
        changed.finish?.();
        return result;
      },
    });

export const unfairWake = canary(
  'unfair-wake',
  'whoever came last is woken first',
  twoWait,
  through((effects) => {
    const waiting: Parameters<Effects['resolve']>[] = [];
    const resolve: Effects['resolve'] = (...woken) => {
      waiting.unshift(woken);
      return true;
    };
    const finish = (): void => waiting.forEach((woken) => effects.resolve(...woken));
    return { effects: { ...besides(effects), resolve }, finish };
  }),
);

export const takenTwice = canary(
  'taken-twice',
  'what a waiting in takes stays in the space',
  twoWait,
  through((effects) => {
    const resolve: Effects['resolve'] = (...woken) => {
      effects.resolve(...woken);
      return false;
    };
    return { effects: { ...besides(effects), resolve } };
  }),
);

export const lostWake = canary(
  'lost-wake',
  'an insertion wakes nobody',
  twoWait,
  through((effects) => ({ effects: { ...besides(effects), resolve: () => true } })),
);

export const earlyTimeout = canary('early-timeout', 'a wait ends before its time', oneWaits, (machine) =>
  altered(machine, {
    advanceTime: (time, effects) => machine.advanceTime(time + 1_500, effects),
    nextDeadline: () => {
      const deadline = machine.nextDeadline();
      return deadline === null ? null : deadline - 1_500;
    },
  }),
);

export const forgottenDeadline = canary(
  'forgotten-deadline',
  'a wait outlives its time',
  oneWaits,
  (machine) =>
    altered(machine, {
      advanceTime: (time, effects) => machine.advanceTime(time - 500, effects),
    }),
);

const besides = (effects: Effects): Omit<Effects, 'resolve'> => ({
  notify: (session, number) => effects.notify(session, number),
  endClient: (client) => effects.endClient(client),
});
