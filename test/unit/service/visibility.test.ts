/** Who sees which entry (DESIGN section 4, visibility): one rule for all operations, whatever the template. */
import { beforeEach, describe, expect, it } from 'vitest';
import { clientName } from '../../../src/base/index.js';
import { any, formal, normalizeTuple, type Result, type Template } from '../../../src/codec/index.js';
import { GuardedService, type Asked } from '../../support/guarded-service.js';

const [alice, bob] = [clientName('alice'), clientName('bob')];
const allFormal: Template = [formal.string, formal.int];
const allAny: Template = [any, any];

let service: GuardedService;
/** Inserts as the admin. */
const out = (name: string, access: object = {}): Result | null =>
  service.ask('admin', { kind: 'out', tuple: normalizeTuple([name, 1]), lease: null, ...access }, 's');
const ask = (client: string, fields: Asked): Result | null => service.ask(client, fields, 's');

beforeEach(() => {
  service = new GuardedService();
  service.create('s');
  out('for all');
  out('for bob', { readers: [bob], takers: [bob] });
  out('bob takes', { takers: [bob] });
});

const namesIn = (result: Result | null): unknown =>
  result?.kind === 'entries' ? result.entries.map(({ tuple }) => tuple[0]) : result?.kind;

describe('pitfall 26: a template without a value', () => {
  it.each([
    ['formals', allFormal],
    ['wildcards', allAny],
  ])('of nothing but %s shows and takes what the lists say, and no more', (_, template) => {
    const everything: Asked = { kind: 'rdAll', template, limit: 0, after: 0n };
    expect(namesIn(ask('alice', everything))).toEqual(['for all', 'bob takes']);
    expect(namesIn(service.read('alice', everything, 's'))).toEqual(['for all', 'bob takes']);
    expect(namesIn(ask('bob', everything))).toEqual(['for all', 'for bob', 'bob takes']);
    expect(ask('alice', { kind: 'count', template })).toEqual({ kind: 'count', count: 2 });
    expect(namesIn(ask('alice', { kind: 'inAll', template, limit: 0 }))).toEqual(['for all']);
    expect(ask('alice', { kind: 'inp', template })).toEqual({ kind: 'entry', entry: null });
    expect(namesIn(ask('bob', { kind: 'inAll', template, limit: 0 }))).toEqual(['for bob', 'bob takes']);
  });

  it('pages past what is hidden', () => {
    const page = (after: bigint): Result | null =>
      ask('alice', { kind: 'rdAll', template: allFormal, limit: 1, after });
    expect([page(0n), page(1n), page(3n)].map(namesIn)).toEqual([['for all'], ['bob takes'], []]);
  });
});

describe('pitfall 26: a cas whose match is hidden from the caller', () => {
  const cas = (client: string, name: string): Result | null => {
    const template: Template = [{ kind: 'value', value: name }, any];
    return ask(client, { kind: 'cas', template, tuple: normalizeTuple([name, 2]), lease: null });
  };

  it('inserts nothing and shows nothing', () => {
    const { root } = service;
    expect(cas('alice', 'for bob')).toEqual({ kind: 'cas', inserted: false, entry: null });
    expect(service.root).toBe(root);
  });

  it('shows it to whoever may read it', () => {
    expect(cas('bob', 'for bob')).toMatchObject({ inserted: false, entry: { id: 2n } });
    expect(cas('alice', 'bob takes')).toMatchObject({ inserted: false, entry: { id: 3n } });
  });

  it('inserts once it is gone, and a second one of anybody does not', () => {
    ask('bob', { kind: 'inp', template: [{ kind: 'value', value: 'for bob' }, any] });
    expect(cas('alice', 'for bob')).toMatchObject({ inserted: true });
    expect(cas('bob', 'for bob')).toMatchObject({ inserted: false, entry: { owner: alice } });
  });
});
