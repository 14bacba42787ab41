/** The checkers of confidential spaces notice what they are there for. */
import { describe, expect, it } from 'vitest';
import {
  clientId,
  clientName,
  RefusedError,
  replicaId,
  sessionId,
  UnknownOutcomeError,
} from '../../src/base/index.js';
import { encodeResult, encodeTuple, hidden } from '../../src/codec/index.js';
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

  it('wants shares of whoever was asked for them, and of nobody else', () => {
    const secrecy = new Secrecy('hush!');
    const sealed = {
      ...{ bytes: Uint8Array.of(1), space: 's', inserter: clientId('a'.repeat(64)) },
      ...{ session: sessionId(3), number: 1 },
    };
    const entry = { id: 1n, tuple: [hidden], owner: clientName('ann'), deadline: null, sealed };
    const result = encodeResult({ kind: 'entry', entry });
    secrecy.lookAtRead(4, 0, { kind: 'read', readId: 7, operation: result, wantsShares: true });
    secrecy.lookAtRead(4, 1, { kind: 'read', readId: 7, operation: result });
    const told = { kind: 'readReply', readId: 7, result } as const;
    expect(() => secrecy.lookAtShares(replicaId(0), 4, told)).toThrow(/no shares of 1/);
    for (const [replica, client] of [
      [1, 4],
      [0, 5],
    ] as const)
      expect(() => secrecy.lookAtShares(replicaId(replica), client, told)).not.toThrow();
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

  it('are had by whoever reads them in time', () => {
    const opened = create();
    const lacking = { id: 5n, owner: clientName('ann'), deadline: 1_000 };
    opened.lacks(lacking, 1_000);
    opened.lacks({ ...lacking, owner: clientName('lia'), deadline: null }, 1_000);
    expect(() => opened.lacks(lacking, 999)).toThrow(/not to be read/);
    expect(() => opened.lacks({ ...lacking, deadline: null }, 1_000)).toThrow(/not to be read/);
  });

  it('of one that opens in two ways is one of them for everybody', () => {
    const opened = create();
    for (const tuple of [
      ['lie', 1],
      ['lie', 2],
    ])
      opened.inserts('lia', tuple);
    opened.reads('bob', { id: 6n, owner: 'lia', tuple: ['lie', 2] });
    opened.reads('bob', { id: 7n, owner: 'lia', tuple: ['lie', 1] });
    expect(() => opened.reads('cid', { id: 6n, owner: 'lia', tuple: ['lie', 1] })).toThrow(/another tuple/);
  });

  it('may be missing for reasons that there can be, and no others', () => {
    const opened = create();
    opened.fails('bob', 'rdp', new UnknownOutcomeError('OUTCOME_UNKNOWN', 'nobody knows', {}));
    const refused = new RefusedError('CLIENT_BLACKLISTED', 'rdp: blacklisted', {});
    expect(() => opened.fails('bob', 'rdp', refused)).toThrow(/CLIENT_BLACKLISTED/);
    expect(() => opened.fails('bob', 'rdp', new TypeError('a bug'))).toThrow(/a bug/);
  });
});
