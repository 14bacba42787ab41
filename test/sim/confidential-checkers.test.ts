/** The checkers of confidential spaces notice what they are there for. */
import { describe, expect, it } from 'vitest';
import { RefusedError, UnknownOutcomeError } from '../../src/base/index.js';
import { encodeTuple } from '../../src/codec/index.js';
import { OpenedTuples } from '../../src/sim/checkers/opened-tuples.js';
import { Secrecy } from '../../src/sim/checkers/secrecy.js';

describe('secrecy', () => {
  it('finds a protected value in whatever bytes and texts a message has', () => {
    const secrecy = new Secrecy('hush!');
    const bytes = encodeTuple(['job', 'hush! 7']);
    const leaks = [{ a: [{ bytes }] }, { text: 'of hush! all' }, new Map([[1, bytes]])];
    for (const leak of leaks) expect(() => secrecy.look('a message', leak)).toThrow(/protected value/);
    expect(() => secrecy.look('a message', { bytes: encodeTuple(['job', 'hus']), n: 1 })).not.toThrow();
  });
});

describe('opened tuples', () => {
  const create = (): OpenedTuples => {
    const opened = new OpenedTuples(new Set(['lia']), ['lie']);
    opened.inserts('ann', ['a', 1]);
    opened.inserts('ann', ['a', 2]);
    return opened;
  };

  it('are what their owner inserted, the same for everybody', () => {
    const opened = create();
    opened.reads('bob', { id: 1n, owner: 'ann', tuple: ['a', 1] });
    expect(() => opened.reads('cid', { id: 1n, owner: 'ann', tuple: ['a', 2] })).toThrow(/another tuple/);
    expect(() => opened.reads('cid', { id: 2n, owner: 'ann', tuple: ['a', 3] })).toThrow(/not what was/);
    expect(() => opened.reads('cid', { id: 2n, owner: 'bob', tuple: ['a', 1] })).toThrow(/not what was/);
  });

  it('may be none of the dishonest alone', () => {
    const opened = create();
    opened.reads('bob', { id: 3n, owner: 'lia', tuple: [] });
    opened.reads('bob', { id: 3n, owner: 'lia', tuple: ['lie'] });
    expect(() => opened.reads('bob', { id: 4n, owner: 'ann', tuple: [] })).toThrow(/has no tuple/);
    expect(() => opened.reads('bob', { id: 5n, owner: 'lia', tuple: ['a', 1] })).toThrow(/not what was/);
  });

  it('may be missing for reasons that there can be, and no others', () => {
    const opened = create();
    opened.fails('bob', 'rdp', new UnknownOutcomeError('OUTCOME_UNKNOWN', 'nobody knows', {}));
    const refused = new RefusedError('CLIENT_BLACKLISTED', 'rdp: blacklisted', {});
    expect(() => opened.fails('bob', 'rdp', refused)).toThrow(/CLIENT_BLACKLISTED/);
    expect(() => opened.fails('bob', 'rdp', new TypeError('a bug'))).toThrow(/a bug/);
  });
});
