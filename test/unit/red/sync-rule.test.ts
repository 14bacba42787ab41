/** Who is on record to hold every acknowledged commit, and whom commits wait for (the SYNC rule of ReD). */
import { describe, expect, it } from 'vitest';
import { SyncRule } from '../../../src/red/index.js';

const ids = (...names: readonly string[]): ReadonlySet<string> => new Set(names);

describe('the SYNC rule', () => {
  it('lets a first writer acknowledge nothing before it is on record itself', () => {
    const rule = new SyncRule('a', { sync: null, copiers: ['b'] });
    expect(rule.isOpen).toBe(false);
    expect(rule.wants(ids('b'))).toBe(false);
    expect(rule.takeWish()).toEqual(['a']);
    expect(rule.takeWish()).toBeNull();
    expect(rule.wants(ids('b'))).toBe(false);
    rule.wasPutOnRecord(['a']);
    expect([rule.isOpen, rule.required]).toEqual([true, []]);
  });

  it('requires everybody on record, until they are off record', () => {
    const rule = new SyncRule('b', { sync: ['a', 'b', 'c'], copiers: ['c'] });
    expect(rule.required).toEqual(['a', 'c']);
    expect(rule.isHeldBy(ids('c'))).toBe(false);
    expect(rule.wants(ids())).toBe(true);
    expect(rule.takeWish()).toEqual(['b', 'c']);
    expect([rule.required, rule.wants(ids())]).toEqual([['a', 'c'], false]);
    rule.wasPutOnRecord(['b', 'c']);
    expect([rule.required, rule.onRecord]).toEqual([['c'], ['b', 'c']]);
    expect(rule.isHeldBy(ids('c'))).toBe(true);
  });

  it('requires who joins before it is on record, and not if that is withdrawn', () => {
    const rule = new SyncRule('a', { sync: ['a'], copiers: ['b'] });
    expect(rule.wants(ids('b'))).toBe(true);
    expect([rule.required, rule.onRecord]).toEqual([['b'], ['a']]);
    rule.withdraw();
    expect([rule.required, rule.takeWish()]).toEqual([[], null]);
    expect(rule.wants(ids('b'))).toBe(true);
    expect(rule.takeWish()).toEqual(['a', 'b']);
    // What has been asked for may be on record already.
    rule.withdraw();
    expect(rule.required).toEqual(['b']);
    rule.wasPutOnRecord(['a', 'b']);
    expect(rule.wants(ids('b'))).toBe(false);
  });

  it('takes off record who is lost, although it is a copier', () => {
    const rule = new SyncRule('a', { sync: ['a', 'b', 'c'], copiers: ['b', 'c'] });
    expect(rule.wants(ids(), ids('c'))).toBe(true);
    expect([rule.takeWish(), rule.required]).toEqual([
      ['a', 'b'],
      ['b', 'c'],
    ]);
  });
});
