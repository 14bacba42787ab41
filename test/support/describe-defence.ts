/** The three tests of a defence: it holds, without it the behaviour does damage, and nothing else does that damage. */
import { expect, it } from 'vitest';
import { runDefence, type Defence } from '../../src/sim/index.js';

export function describeDefence(row: Defence): void {
  const { behaviour, defence, expects } = row;
  it(`${behaviour}: ${defence}`, () => {
    expect(runDefence(row, { isOpen: false, isAttacked: true }).failure).toBeUndefined();
  });
  it(`${behaviour}: does damage without that`, () => {
    const { failure } = runDefence(row, { isOpen: true, isAttacked: true });
    expect(expects, failure?.message).toContain(failure?.checker);
  });
  it(`${behaviour}: nothing else does that damage`, () => {
    expect(runDefence(row, { isOpen: true, isAttacked: false }).failure).toBeUndefined();
  });
}
