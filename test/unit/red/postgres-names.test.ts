/** Names, quoting and texts of the configuration: what hostile ids and addresses cannot do. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  accessText,
  configurationText,
  synchronousStandbyNames,
} from '../../../src/red/postgres/configuration.js';
import { formatLsn, parseLsn } from '../../../src/red/postgres/lsn.js';
import { idOfStandby, nobody, standbyName } from '../../../src/red/postgres/names.js';
import {
  checkAddress,
  connectionString,
  quoteLiteral,
  quoteName,
  quotePassfileField,
  quoteSetting,
} from '../../../src/red/postgres/quoting.js';

const standing = {
  name: standbyName('a'),
  listen: { host: '127.0.0.1', port: 5432 },
  socketDirectory: `/tmp/it's "here", \\ and there`,
  passfile: `/tmp/pass'file\\`,
  walKeepMb: 64,
};

/** What PostgreSQL reads in a quoted setting (GUC_scanstr). */
function readSetting(quoted: string): string {
  return quoted.slice(1, -1).replace(/''|\\(.)/g, (found, escaped: string) => {
    return found === "''" ? "'" : escaped === 'n' ? '\n' : escaped === 'r' ? '\r' : escaped;
  });
}

describe('names of standbys', () => {
  it.each([
    ['a', 'red_a'],
    ['db-1', 'red_db_2d1'],
    ['A', 'red__41'],
    ['*', 'red__2a'],
    ['pg_basebackup', 'red_pg_5fbasebackup'],
    ['é', 'red__c3_a9'],
    [`"'\\,\n`, 'red__22_27_5c_2c_0a'],
  ])('%j', (id, name) => {
    expect(standbyName(id)).toBe(name);
    expect(idOfStandby(name)).toBe(id);
  });

  it('are refused where they would be cut or would not differ', () => {
    expect(standbyName('a'.repeat(59))).toHaveLength(63);
    for (const id of ['', 'a'.repeat(60), 'A'.repeat(20), '\ud800']) {
      expect(() => standbyName(id)).toThrow(expect.objectContaining({ code: 'POSTGRES_ID_INVALID' }));
    }
  });

  it('lead back to one id only, in letters that slots take and whatever their case', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 4 }), (id) => {
        const name = standbyName(id);
        expect(name).toMatch(/^red_[a-z0-9_]+$/);
        expect(idOfStandby(name)).toBe(id);
      }),
    );
    for (const name of [nobody, 'walreceiver', 'pg_basebackup', 'red_', 'red__61', 'red__ff', 'red_A']) {
      expect(idOfStandby(name)).toBeNull();
    }
  });
});

describe('addresses', () => {
  it.each(['', 'a,b', '/tmp', '@abstract', 'a b', `a'`, 'a\n', 'é'])('%j is none', (host) => {
    expect(() => checkAddress({ host, port: 1 })).toThrow(
      expect.objectContaining({ code: 'POSTGRES_ADDRESS_INVALID' }),
    );
  });

  it('have a port', () => {
    for (const port of [0, -1, 1.5, 65_536, Number.NaN]) {
      expect(() => checkAddress({ host: 'a', port })).toThrow('address');
    }
    expect(checkAddress({ host: 'fe80::1%eth0', port: 65_535 })).toEqual({
      host: 'fe80::1%eth0',
      port: 65_535,
    });
  });
});

describe('quoting', () => {
  it('writes settings on one line that reads back', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), (value) => {
        const quoted = quoteSetting(value);
        expect(quoted).not.toMatch(/[\n\r]/);
        expect(readSetting(quoted)).toBe(value);
      }),
    );
    expect(quoteSetting(`a'\\\n`)).toBe(`'a''\\\\\\n'`);
  });

  it('of the other texts', () => {
    expect(quoteName('a"b')).toBe('"a""b"');
    expect(quoteLiteral(`it's`)).toBe(`'it''s'`);
    expect(quoteLiteral(`\\'`)).toBe(`E'\\\\'''`);
    expect(quotePassfileField('a:b\\')).toBe('a\\:b\\\\');
    expect(connectionString({ host: `a' port='1`, port: 2 })).toBe(`host='a\\' port=\\'1' port='2'`);
  });
});

describe('the configuration', () => {
  const text = configurationText(standing, {
    follows: { host: 'db.example', port: 5433 },
    synchronous: [standbyName('b'), 'x") , "y'],
    token: '12',
  });
  const settings = new Map(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => {
        const [, name, value] = /^([a-z_.]+) = (.*)$/.exec(line)!;
        return [name!, readSetting(value!)] as const;
      }),
  );

  it('has one setting a line', () => {
    expect(settings.get('synchronous_standby_names')).toBe(`FIRST 2 ("red_b", "x"") , ""y")`);
    expect(settings.get('unix_socket_directories')).toBe(`"/tmp/it's ""here"", \\ and there"`);
    expect(settings.get('primary_conninfo')).toContain(
      `host='db.example' port='5433' user='red_replication'`,
    );
    expect(settings.get('primary_conninfo')).toContain(`passfile='/tmp/pass\\'file\\\\'`);
    expect(settings.get('primary_conninfo')).toContain(`application_name='red_a'`);
    expect(settings.get('primary_slot_name')).toBe('red_a');
    expect(settings.get('red.token')).toBe('12');
    expect(settings.get('synchronous_commit')).toBe('on');
    expect(settings.get('restart_after_crash')).toBe('off');
  });

  it('waits for all, for none, or lets nothing pass', () => {
    expect(synchronousStandbyNames([])).toBe('');
    expect(synchronousStandbyNames(['a', 'b', 'c'])).toBe('FIRST 3 ("a", "b", "c")');
    expect(synchronousStandbyNames('closed')).toBe(`FIRST 1 ("${nobody}")`);
    const alone = configurationText(standing, { follows: null, synchronous: 'closed', token: '' });
    expect(alone).toContain(`primary_conninfo = ''\n`);
  });

  it('lets nobody in by TCP without a password, nor the superuser at all', () => {
    const lines = accessText()
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => line.split(/ +/));
    const hosts = lines.filter(([type]) => type === 'host');
    expect(lines.filter(([type]) => type !== 'host')).toEqual([['local', 'all', 'all', 'trust']]);
    expect(hosts[0]).toEqual(['host', 'all', 'postgres', 'all', 'reject']);
    expect(hosts.every((line) => ['reject', 'scram-sha-256'].includes(line.at(-1)!))).toBe(true);
  });
});

describe('positions in the log', () => {
  it('are read and written', () => {
    expect(parseLsn('1/0A')).toBe(0x1_0000_000an);
    expect(formatLsn(0x16_b374_8000n)).toBe('16/B3748000');
    fc.assert(fc.property(fc.bigInt(0n, 2n ** 64n - 1n), (lsn) => parseLsn(formatLsn(lsn)) === lsn));
    for (const text of ['', '1', '1/', '/1', '1/2/3', 'g/0', '1/123456789']) {
      expect(() => parseLsn(text)).toThrow(expect.objectContaining({ code: 'POSTGRES_LSN_INVALID' }));
    }
  });
});
