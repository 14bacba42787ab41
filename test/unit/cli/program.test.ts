import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repeatCommand } from '../../../src/cli/commands/sim.js';
import { createContext } from '../../../src/cli/config.js';
import { fakeTerminal, reportedError, runHere } from './fake-terminal.js';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'theodora-cli-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('usage', () => {
  it.each([
    ['an unknown command', ['rdpx'], 'Did you mean rdp?'],
    ['an unknown option', ['count', '[1]', '--limit', '3'], "unknown option '--limit'"],
    ['a missing argument', ['out'], "missing required argument 'tuple'"],
    ['a missing template', ['cas', '[1]'], "missing required argument 'tuple'"],
    ['an unquoted tuple', ['out', '["job",', '42]'], 'too many arguments'],
    ['no command', [], 'a command is missing'],
    ['a group without a command', ['client'], 'a command is missing'],
    ['a wrong duration', ['count', '[1]', '--timeout', '5'], 'is not a duration'],
    ['a wrong lease of out', ['out', '[1]', '--lease', '5'], '"5" is not a duration'],
    ['a wrong lease of cas', ['cas', '[1]', '[1]', '--lease', '-5s'], '"-5s" is not a duration'],
    ['a wrong lease of replace', ['replace', '[1]', '[1]', '--lease', '0s'], '"0s" is out of range'],
    ['a wrong lease of renew', ['renew', '[1]', 'NaN'], '"NaN" is not a duration'],
    ['a missing lease', ['renew', '[1]'], "missing required argument 'lease'"],
    ['a lease for what inserts nothing', ['inp', '[1]', '--lease', '5s'], "unknown option '--lease'"],
    ['readers for what inserts nothing', ['rdp', '[1]', '--readers', 'a'], "unknown option '--readers'"],
    ['no readers', ['out', '[1]', '--readers', ''], 'names of clients'],
    ['a wrong name of a taker', ['replace', '[1]', '[1]', '--takers', 'a,b c'], 'names of clients'],
    ['an empty name in a list', ['cas', '[1]', '[1]', '--takers', 'a,'], 'names of clients'],
    ['a key that is none', ['client', 'add', 'a', '--key', 'xyz'], 'must be a public key'],
    ['a space without a command', ['space'], 'a command is missing'],
    ['a space without a name', ['space', 'create'], "missing required argument 'name'"],
    ['a wrong list of a space', ['space', 'create', 'a', '--insert', ' '], 'names of clients'],
    ['a negative quota', ['space', 'create', 'a', '--quota-entries', '-1'], 'must be an integer'],
    ['a quota of nothing', ['space', 'create', 'a', '--client-quota-waits', ''], 'must be an integer'],
    ['no file for a policy', ['space', 'set-policy', 'a'], "missing required argument 'file'"],
    ['a wrong number', ['rdall', '[1]', '--limit', '1.5'], 'must be an integer'],
    ['a wrong id', ['rdall', '[1]', '--after', '-1'], 'must be the id of an entry'],
    ['a wrong protection', ['out', '[1]', '--protect', 'secret'], '"secret" is none of public'],
    ['an empty name', ['count', '[1]', '--as', ''], '--as must not be empty'],
    ['a missing option', ['init', '--replicas', '4'], "required option '--hosts"],
    ['an unknown scenario of bench', ['bench', 'everything'], 'choose one of out'],
    ['a rate for what is no load', ['bench', 'peers', '--rate', '10'], '--rate says nothing to peers'],
    ['a faulty replica that there is not', ['bench', 'byzantine', '--faulty', '4'], 'there is no replica 4'],
    ['too many faulty replicas', ['bench', 'byzantine', '--faulty', '0,1'], 'no more than 1 may be faulty'],
    ['one file to compare', ['bench', 'compare', 'a.jsonl'], "missing required argument 'second'"],
    ['an unknown fault of sim', ['sim', '--faults', 'crash,gremlins'], 'unknown fault "gremlins"'],
    ['an unknown behaviour of sim', ['sim', '--behaviours', 'slow,rude'], 'unknown behaviour "rude"'],
  ])('%s is status 2, as text and as JSON', async (_, argv, problem) => {
    const ran = await runHere(argv);
    expect(ran).toMatchObject({ status: 2, out: '' });
    expect(ran.err).toContain(problem);
    const asJson = await runHere([...argv, '--json']);
    expect(asJson).toMatchObject({ status: 2, out: '' });
    expect(reportedError(asJson)).toMatchObject({ code: 'USAGE' });
  });

  it.each([
    ['rdp', '[1]', '--wait', '5s'],
    ['rd', '[1]'],
    ['in', '[1]'],
    ['subscribe', '[1]'],
    ['client', 'pardon', 'a'],
    ['policy', 'check', 'x.ts'],
  ])('what is not there yet is not offered: %s %s %s %s', async (...argv) => {
    expect(await runHere(argv)).toMatchObject({ status: 2, out: '' });
  });

  it('tells of bad tuples before it looks for a cluster', async () => {
    const ran = await runHere(['out', '[1, NaN]', '--json', '--cluster', join(directory, 'none.yaml')]);
    expect(ran.status).toBe(2);
    expect(reportedError(ran)).toMatchObject({ code: 'INVALID_TUPLE', field: 1, position: 4 });
  });

  it.each([[['space', 'create', 'a', '--policy']], [['space', 'set-policy', 'a']]])(
    '%s tells of a bad policy before it looks for a cluster',
    async (argv) => {
      const file = join(directory, 'bad.ts');
      writeFileSync(
        file,
        [
          "import { definePolicy } from 'theodora/policy';",
          '',
          'export default definePolicy({',
          '  out: ({ tuple }) => { while (true) {} },',
          '});',
          '',
        ].join('\n'),
      );
      const ran = await runHere([...argv, file, '--json', '--cluster', join(directory, 'none.yaml')]);
      expect(ran).toMatchObject({ status: 2, out: '' });
      const place = { rule: 'statement', file: 'bad.ts', line: 4, column: 25 };
      expect(reportedError(ran)).toMatchObject({ code: 'POLICY_INVALID', ...place });
    },
  );

  it('tells where the missing cluster file was looked for', async () => {
    const path = join(directory, 'none.yaml');
    const ran = await runHere(['out', '[1]', '--json', '--cluster', path]);
    expect(ran.status).toBe(2);
    expect(reportedError(ran)).toMatchObject({ code: 'CLUSTER_FILE_MISSING', path });
  });

  it.each(['up', 'replica', 'bench'])('%s --durability knows its choices', async (command) => {
    const ran = await runHere([command, '--durability', 'perhaps', '--json']);
    expect(ran.status).toBe(2);
    expect(reportedError(ran)).toMatchObject({ code: 'USAGE' });
    expect(ran.err).toContain('sync, async, memory');
  });

  it('up --durability memory leaves what is on disk alone', async () => {
    const dir = join(directory, 'durable');
    const hosts = [41_001, 41_002, 41_003, 41_004].map((port) => `127.0.0.1:${port}`);
    expect(await runHere(['init', '--replicas', '4', '--hosts', hosts.join(), '--out', dir])).toMatchObject({
      status: 0,
    });
    mkdirSync(join(dir, 'replica-2', 'votes'));
    const ran = await runHere(['up', '--dir', dir, '--durability', 'memory', '--json']);
    expect(ran.status).toBe(2);
    expect(reportedError(ran)).toMatchObject({ code: 'DURABILITY_MISMATCH', path: join(dir, 'replica-2') });
  });
});

describe('help', () => {
  it('shows commands by group and examples', async () => {
    const { status, out } = await runHere(['--help']);
    expect(status).toBe(0);
    for (const part of ['Cluster:', 'Tuple space:', 'Examples:', 'Exit status:', 'theodora up']) {
      expect(out).toContain(part);
    }
  });

  it.each(['up', 'init', 'replica', 'client', 'space', 'status', 'red', 'demo', 'sim', 'bench'])(
    'knows %s',
    async (command) => {
      expect(await runHere(['help', command])).toMatchObject({ status: 0, err: '' });
    },
  );

  it.each(['out', 'rdp', 'inp', 'rdall', 'inall', 'cas', 'replace', 'renew', 'count'])(
    'of %s has an example and the global options',
    async (command) => {
      const { status, out } = await runHere([command, '--help']);
      expect(status).toBe(0);
      expect(out).toContain(`$ theodora ${command} '[`);
      expect(out).toContain('--timeout');
    },
  );

  it('prints the version', async () => {
    const { status, out } = await runHere(['--version']);
    expect(status).toBe(0);
    expect(out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('global options', () => {
  it('are taken before and after the command', async () => {
    const path = join(directory, 'none.yaml');
    for (const argv of [
      ['--cluster', path, '--json', 'count', '[1]'],
      ['count', '--cluster', path, '[1]', '--json'],
      ['--json', 'client', 'list', '--cluster', path],
    ]) {
      expect(reportedError(await runHere(argv))).toMatchObject({ code: 'CLUSTER_FILE_MISSING', path });
    }
  });

  const defaults = { space: 'default', timeout: 10_000 };

  it('win over the environment, which wins over the defaults', () => {
    const env = { THEODORA_CLUSTER: 'env.yaml', THEODORA_IDENTITY: 'eve' };
    expect(createContext(fakeTerminal(), defaults)).toMatchObject({
      clusterFile: '.theodora/cluster.yaml',
      identity: 'admin',
      space: 'default',
      timeoutMs: 10_000,
    });
    expect(createContext(fakeTerminal({ env }), defaults)).toMatchObject({
      clusterFile: 'env.yaml',
      identity: 'eve',
    });
    expect(
      createContext(fakeTerminal({ env }), { ...defaults, cluster: 'option.yaml', as: 'bob' }),
    ).toMatchObject({ clusterFile: 'option.yaml', identity: 'bob' });
  });

  it('take an empty variable for an unset one', () => {
    const env = { THEODORA_CLUSTER: '', THEODORA_IDENTITY: '' };
    expect(createContext(fakeTerminal({ env }), defaults)).toMatchObject({ identity: 'admin' });
  });
});

describe('sim', () => {
  it('prints a JSON line a seed, the same for the same seed', async () => {
    const argv = ['sim', '--seed', '1', '--seeds', '2', '--operations', '20', '--replicas', '4', '--json'];
    const first = await runHere(argv);
    expect(first).toMatchObject({ status: 0, err: '' });
    const lines = first.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toMatchObject([
      { seed: 1, ok: true, n: 4 },
      { seed: 2, ok: true, n: 4 },
    ]);
    expect(lines[0]!['operations']).toBeGreaterThanOrEqual(20);
    expect((await runHere(argv)).out).toBe(first.out);
  });

  it.each([
    ['safety', 71, 'expect view 0 = 7'],
    ['liveness', 72, 'until view 0 = 7 within=1s'],
  ])('a %s failure is status %i, with the command that repeats it', async (kind, status, line) => {
    const path = join(directory, `${kind}.txt`);
    writeFileSync(path, `cluster n=4\n${line}\n`);
    const asJson = await runHere(['sim', '--scenario', path, '--json']);
    expect(asJson.status).toBe(status);
    expect(JSON.parse(asJson.out)).toMatchObject({
      ok: false,
      failure: { kind },
      commit: expect.any(String) as string,
      repeat: `npx theodora sim --scenario ${path}`,
    });
    const plain = await runHere(['sim', '--scenario', path]);
    expect(plain.status).toBe(status);
    expect(plain.out).toContain(`${kind} failure`);
    expect(plain.out).toContain(`repeat: npx theodora sim --scenario ${path}`);
  });

  it('goes on for the time given, with guards everywhere in the scenario for policies', async () => {
    const argv = ['sim', '--scenario', 'policies', '--seed', '7', '--operations', '20', '--replicas', '4'];
    const one = await runHere([...argv, '--json']);
    const some = await runHere([...argv, '--seconds', '1', '--json']);
    expect([one.status, some.status]).toEqual([0, 0]);
    expect(some.out.startsWith(one.out)).toBe(true);
    const unguarded = await runHere([
      ...argv.filter((word) => !['--scenario', 'policies'].includes(word)),
      '--json',
    ]);
    expect(unguarded.out).not.toBe(one.out);
    expect((await runHere([...argv, '--seconds', '1'])).out).toMatch(/\n\d+ seeds from 7 on, all ok\n$/);
    expect(repeatCommand({ scenario: 'policies', seconds: 1, operations: 20 }, 9)).toBe(
      'npx theodora sim --scenario policies --seed 9 --operations 20',
    );
  });

  it('runs each seed in every scenario if all are to take turns, and else in random ones', async () => {
    const argv = ['sim', '--seed', '7', '--operations', '2', '--replicas', '4'];
    const all = await runHere([...argv, '--scenario', 'all']);
    expect(all).toMatchObject({ status: 0, err: '' });
    const names = all.out.split('\n').map((line) => line.slice(0, line.indexOf(':')));
    const scenarios = ['random', 'policies', 'confidential', 'red', 'twins', 'mutations'];
    expect(names.slice(0, -1)).toEqual(scenarios.map((name) => `seed 7, ${name}`));
    const alone = await runHere(argv);
    expect(alone.out).toBe(`${all.out.split('\n')[0]!.replace(', random', '')}\n`);
  });

  it('tells of a scenario that is not there', async () => {
    const ran = await runHere(['sim', '--scenario', join(directory, 'none.txt'), '--json']);
    expect(ran.status).toBe(2);
    expect(reportedError(ran)).toMatchObject({ code: 'SCENARIO_UNREADABLE' });
  });
});
