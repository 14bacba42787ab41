/** The cluster file: what is written is read back; every mistake is refused with its line. */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { clientId, InvalidInputError, replicaId, toHex } from '../../../src/base/index.js';
import { checkClientName, createClusterMaterial, formatClusterFile } from '../../../src/crypto/index.js';
import { parseAddress, parseClusterFile } from '../../../src/crypto/index.js';
import type { ClusterDescription } from '../../../src/crypto/index.js';

let description: ClusterDescription;
let text: string;
let leafCertificate: string;

beforeAll(async () => {
  const hosts = ['replica0.example.org:7000', '10.0.0.1:7001', '[2001:db8::1]:7002', 'localhost:7003'];
  const material = await createClusterMaterial({ hosts, now: new Date() });
  const file = (path: string): string => material.files.find((each) => each.path === path)!.content;
  description = material.description;
  text = file('cluster.yaml');
  leafCertificate = file('replica-0/tls.crt');
});

function refusal(action: () => unknown): InvalidInputError {
  try {
    action();
  } catch (error) {
    if (error instanceof InvalidInputError) return error;
    throw error;
  }
  throw new Error('was not refused');
}

/** Line (from 1) of the `nth` line that contains `part`. */
function lineOf(content: string, part: string, nth = 0): number {
  const lines = content.split('\n').flatMap((line, i) => (line.includes(part) ? [i + 1] : []));
  const line = lines[nth];
  if (line === undefined) throw new Error(`no line with ${part}`);
  return line;
}

/** Replaces the `nth` line that contains `part` by the given lines. */
function withLine(content: string, part: string, replacement: readonly string[], nth = 0): string {
  const lines = content.split('\n');
  lines.splice(lineOf(content, part, nth) - 1, 1, ...replacement);
  return lines.join('\n');
}

describe('reading back what was written', () => {
  test('the file of a new cluster', () => {
    expect(parseClusterFile(text, 'cluster.yaml')).toEqual(description);
    expect(formatClusterFile(description)).toBe(text);
  });

  test('any description (property)', () => {
    const hex = (bytes: number) => fc.uint8Array({ minLength: bytes, maxLength: bytes }).map(toHex);
    const digitsOnly = (digits: number) =>
      fc.string({ unit: fc.constantFrom(...'0123456789e'), minLength: digits, maxLength: digits });
    const key = fc.oneof(hex(32), digitsOnly(64));
    const host = fc.oneof(
      fc.ipV4(),
      fc.domain(),
      fc.constantFrom('localhost', 'node-1', '[::1]', '[fe80::2:1]'),
    );
    const address = fc
      .tuple(host, fc.integer({ min: 1, max: 65_535 }))
      .map(([name, port]) => `${name}:${port}`);
    const unit = fc.constantFrom(...'abcXYZ0159._-');
    const name = fc
      .tuple(fc.constantFrom(...'aZ09ny'), fc.string({ unit, maxLength: 63 }))
      .map(([first, rest]) => first + rest)
      .filter((value) => !/^replica-[0-9]+$/i.test(value));
    const unique = <T>(value: fc.Arbitrary<T>, minLength: number, selector: (item: T) => string) =>
      fc.uniqueArray(value, { minLength, maxLength: 10, selector });
    const settings = fc.record(
      {
        requestTimeoutMs: fc.integer({ min: 10, max: 10_000 }),
        viewChangeTimeoutMs: fc.integer({ min: 10, max: 10_000 }),
        viewChangeTimeoutMaxMs: fc.integer({ min: 10, max: 10_000 }),
        clockSkewMaxMs: fc.integer({ min: 1, max: 10_000 }),
        statusIntervalMs: fc.integer({ min: 10, max: 10_000 }),
        sessionLeaseMs: fc.integer({ min: 1_000, max: 10_000 }),
        windowBatches: fc.integer({ min: 1, max: 128 }),
        batchOperationsMax: fc.integer({ min: 1, max: 65_536 }),
        slowPrimaryPercent: fc.integer({ min: 0, max: 95 }),
        rotateAfterBatches: fc.integer({ min: 0, max: 1_000 }),
        requestAuth: fc.constantFrom('signature' as const, 'mac' as const),
        metrics: fc.record({ basePort: fc.integer({ min: 1, max: 65_000 }) }),
      },
      { requiredKeys: [] },
    );
    const members = fc.record({
      addresses: unique(address, 4, (value) => value.toLowerCase()),
      keys: fc.uniqueArray(key, { minLength: 10, maxLength: 10 }),
      pins: fc.uniqueArray(key, { minLength: 10, maxLength: 10 }),
    });
    const clients = fc
      .tuple(
        unique(name, 0, (value) => value.toLowerCase()),
        fc.uniqueArray(key, { minLength: 10, maxLength: 10 }),
      )
      .map(([names, keys]) => names.map((value, i) => ({ name: value, publicKey: clientId(keys[i]!) })));
    fc.assert(
      fc.property(
        fc.oneof(hex(16), digitsOnly(32)),
        members,
        clients,
        settings,
        fc.boolean(),
        (clusterId, { addresses, keys, pins }, registered, overrides, isEnded) => {
          const pem = description.certificateAuthority;
          const written: ClusterDescription = {
            version: 1,
            clusterId,
            replicas: addresses.map((value, i) => ({
              id: replicaId(i),
              address: value,
              publicKey: keys[i]!,
              tlsFingerprint: pins[i]!,
            })),
            certificateAuthority: isEnded ? pem : pem.trimEnd(),
            clients: registered,
            ...(isEnded ? { faultInjection: true as const } : {}),
            settings: overrides,
          };
          // digitsOnly may draw "e", which is hexadecimal as well: all of it looks like numbers to YAML.
          expect(parseClusterFile(formatClusterFile(written), 'cluster.yaml')).toEqual(written);
        },
      ),
    );
  });

  test('quotes may be left out, also around keys that look like numbers', () => {
    const publicKey = `${'1'.repeat(30)}e${'2'.repeat(33)}`;
    const file = withLine(withLine(text, 'publicKey: "', [`    publicKey: ${publicKey}`]), 'address:', [
      '    address: replica0.example.org:7000 # unquoted',
    ]);
    expect(parseClusterFile(file, 'cluster.yaml').replicas[0]).toEqual({
      ...description.replicas[0],
      publicKey,
    });
  });

  test('replicas come back by id, whatever their order in the file', () => {
    const shuffled = formatClusterFile({ ...description, replicas: description.replicas.toReversed() });
    expect(parseClusterFile(shuffled, 'cluster.yaml')).toEqual(description);
  });

  test('settings may be absent or all commented out; line ends may be CRLF', () => {
    expect(parseClusterFile(withLine(text, 'settings:', []), 'c').settings).toEqual({});
    expect(parseClusterFile(withLine(text, 'settings:', ['settings:', '  # none']), 'c').settings).toEqual(
      {},
    );
    expect(parseClusterFile(text.replaceAll('\n', '\r\n'), 'c')).toEqual(description);
  });

  test('is for people too: every section is explained', () => {
    for (const section of ['clusterId', 'replicas', 'certificateAuthority', 'clients', 'settings']) {
      expect(text.split('\n')[lineOf(text, `${section}:`) - 2]).toMatch(/^# /);
    }
  });
});

const key = 'ab'.repeat(32);

/** What is done to a good file, the line that must be named, and a part of the message. */
const mistakes: readonly (readonly [string, (good: string) => string, (bad: string) => number, RegExp])[] = [
  ['empty file', () => '', () => 1, /must be a mapping/],
  ['a list', () => '- 1\n', () => 1, /must be a mapping/],
  [
    'broken YAML',
    (s) => withLine(s, 'version:', ['version: {']),
    (s) => lineOf(s, 'clusterId:'),
    /not valid YAML/,
  ],
  [
    'tabs',
    (s) => withLine(s, 'address: ', ['\taddress: "a:1"']),
    (s) => lineOf(s, '\taddress'),
    /not valid YAML/,
  ],
  [
    'two documents',
    (s) => `${s}---\nversion: 1\n`,
    (s) => s.split('\n').indexOf('---') + 1,
    /not valid YAML/,
  ],
  ['duplicate key', (s) => `${s}version: 1\n`, (s) => lineOf(s, 'version: 1', 1), /not valid YAML/],
  [
    'a tag',
    (s) => withLine(s, 'version:', ['version: !!int 1']),
    (s) => lineOf(s, 'version:'),
    /not valid YAML/,
  ],
  [
    'an alias',
    (s) => withLine(s, 'address:', ['    address: *x']),
    (s) => lineOf(s, '*x'),
    /address must be a text/,
  ],
  [
    'a resolved alias',
    (s) => withLine(withLine(s, 'address:', ['    address: &x "a:1"']), 'address:', ['    address: *x'], 1),
    (s) => lineOf(s, '*x'),
    /address must be a text/,
  ],
  ['unknown key', (s) => `${s}quorum: 3\n`, (s) => lineOf(s, 'quorum'), /unknown key "quorum"/],
  ['a prototype key', (s) => `${s}__proto__: 3\n`, (s) => lineOf(s, '__proto__'), /unknown key "__proto__"/],
  ['missing clusterId', (s) => withLine(s, 'clusterId:', []), () => 2, /lacks clusterId/],
  [
    'several missing keys',
    (s) => withLine(withLine(s, 'clusterId:', []), 'version:', []),
    (s) => lineOf(s, 'replicas:'),
    /lacks version, clusterId/,
  ],
  [
    'version 2',
    (s) => withLine(s, 'version:', ['version: 2']),
    (s) => lineOf(s, 'version:'),
    /reads version 1 only/,
  ],
  [
    'short clusterId',
    (s) => withLine(s, 'clusterId:', ['clusterId: abcd']),
    (s) => lineOf(s, 'abcd'),
    /32 lower-case/,
  ],
  [
    'replicas no list',
    (s) => withLine(s, '  - id: 0', ['    id: 0']).replace(/ {2}- id: [1-3]\n(.*\n){4}/g, ''),
    (s) => lineOf(s, 'replicas:'),
    /replicas must be a list/,
  ],
  [
    'three replicas',
    (s) => s.replace(/ {2}- id: 3\n(.*\n){4}/, ''),
    (s) => lineOf(s, 'replicas:'),
    /a cluster needs at least 4 replicas: 3f\+1 with f ≥ 1/,
  ],
  [
    'one sharing key for two (pitfall 32)',
    (s) => {
      const [first, second] = s.split('\n').filter((line) => line.includes('    sharingKey: '));
      return s.replace(second!, first!);
    },
    (s) => lineOf(s, '    sharingKey: ', 1),
    /this sharingKey is already used at line/,
  ],
  [
    'fault injection that is neither on nor off',
    (s) => `${s}faultInjection: yes\n`,
    (s) => lineOf(`${s}faultInjection: yes\n`, 'faultInjection:'),
    /faultInjection must be true or false/,
  ],
  [
    'a sharing key missing',
    (s) => withLine(s, '    sharingKey: ', [], 3),
    (s) => lineOf(s, 'replicas:'),
    /some replicas lack a sharingKey/,
  ],
  [
    'sharing keys of no generation',
    (s) => withLine(s, 'keyGeneration: ', []),
    () => 1,
    /keyGeneration and the sharingKey of each replica go together/,
  ],
  [
    'a generation of no sharing keys',
    (s) => s.replaceAll(/ {4}sharingKey: .*\n/g, ''),
    (s) => lineOf(s, 'keyGeneration: '),
    /keyGeneration and the sharingKey of each replica go together/,
  ],
  [
    'id twice',
    (s) => withLine(s, '- id: 2', ['  - id: 1']),
    (s) => lineOf(s, '- id: 1', 1),
    /replica id 1 is already used at line \d+/,
  ],
  [
    'id beyond n−1',
    (s) => withLine(s, '- id: 2', ['  - id: 4']),
    (s) => lineOf(s, '- id: 4'),
    /ids are 0 to 3, each once/,
  ],
  [
    'negative id',
    (s) => withLine(s, '- id: 2', ['  - id: -2']),
    (s) => lineOf(s, '- id: -2'),
    /ids are 0 to 3/,
  ],
  [
    'id not a number',
    (s) => withLine(s, '- id: 2', ['  - id: 0x2']),
    (s) => lineOf(s, '0x2'),
    /ids are 0 to 3/,
  ],
  [
    'replica without address',
    (s) => withLine(s, 'address:', [], 1),
    (s) => lineOf(s, '- id: 1'),
    /a replica lacks address/,
  ],
  [
    'replica without keys',
    (s) => s.replace(/( {2}- id: 3\n.*\n)(.*\n){2}/, '$1'),
    (s) => lineOf(s, '- id: 3'),
    /a replica lacks publicKey, tlsFingerprint/,
  ],
  [
    'replica with unknown key',
    (s) => withLine(s, '- id: 1', ['  - id: 1', '    weight: 2']),
    (s) => lineOf(s, 'weight'),
    /a replica has an unknown key "weight"/,
  ],
  [
    'empty value',
    (s) => withLine(s, 'address:', ['    address:'], 2),
    (s) => lineOf(s, 'address:', 2),
    /address must be a text/,
  ],
  [
    'port 0',
    (s) => withLine(s, 'address:', ['    address: "a:0"']),
    (s) => lineOf(s, 'a:0'),
    /port from 1 to 65535/,
  ],
  [
    'port 65536',
    (s) => withLine(s, 'address:', ['    address: "a:65536"']),
    (s) => lineOf(s, 'a:65536'),
    /port from 1/,
  ],
  [
    'no port',
    (s) => withLine(s, 'address:', ['    address: "10.0.0.9"']),
    (s) => lineOf(s, '10.0.0.9'),
    /must be host:port/,
  ],
  [
    'bad host',
    (s) => withLine(s, 'address:', ['    address: "a/b:1"']),
    (s) => lineOf(s, 'a/b'),
    /must be host:port/,
  ],
  [
    'address twice',
    (s) => withLine(s, 'address:', ['    address: "LOCALHOST:7003"']),
    (s) => lineOf(s, 'localhost:7003'),
    /address localhost:7003 is already used at line/,
  ],
  [
    'replica key twice',
    (s) =>
      withLine(
        withLine(s, 'publicKey: ', [`    publicKey: ${key}`], 0),
        'publicKey: ',
        [`    publicKey: ${key}`],
        3,
      ),
    (s) => lineOf(s, key, 1),
    /this publicKey is already used/,
  ],
  [
    'pin twice',
    (s) =>
      withLine(
        withLine(s, 'tlsFingerprint: ', [`    tlsFingerprint: ${key}`], 0),
        'tlsFingerprint: ',
        [`    tlsFingerprint: ${key}`],
        3,
      ),
    (s) => lineOf(s, key, 1),
    /this tlsFingerprint is already used/,
  ],
  [
    'upper-case hex',
    (s) => withLine(s, 'publicKey: ', [`    publicKey: "${key.toUpperCase()}"`]),
    (s) => lineOf(s, 'ABAB'),
    /64 lower-case/,
  ],
  [
    'short pin',
    (s) => withLine(s, 'tlsFingerprint: ', [`    tlsFingerprint: "${key.slice(2)}"`]),
    (s) => lineOf(s, key.slice(2)),
    /64 lower-case/,
  ],
  [
    'no certificate',
    (s) => s.replace(/certificateAuthority: \|\n(.*\n)*?\n/, 'certificateAuthority: none\n\n'),
    (s) => lineOf(s, 'certificateAuthority: none'),
    /PEM text of one CA certificate/,
  ],
  [
    'broken certificate',
    (s) => withLine(s, 'BEGIN CERT', ['  -----BEGIN CERTIFICATE-----', '  AAAA']),
    (s) => lineOf(s, 'certificateAuthority:'),
    /PEM text of one CA/,
  ],
  [
    'a certificate that is no CA',
    (s) => s.replace(/( {2}-----BEGIN(.*\n)*? {2}-----END.*\n)/, leafCertificate.replace(/^(?=.)/gm, '  ')),
    (s) => lineOf(s, 'certificateAuthority:'),
    /one CA certificate/,
  ],
  [
    'a client without a key',
    (s) => `${withLine(s, 'settings:', [])}`.replace(/(name: "admin"\n).*\n/, '$1'),
    (s) => lineOf(s, 'admin'),
    /a client lacks publicKey/,
  ],
  [
    'a client with a role',
    (s) => withLine(s, 'name: "admin"', ['  - name: admin', '    role: x']),
    (s) => lineOf(s, 'role'),
    /a client has an unknown key/,
  ],
  [
    'client name with a slash',
    (s) => withLine(s, 'name: "admin"', ['  - name: ../x']),
    (s) => lineOf(s, '../x'),
    /letters, digits/,
  ],
  [
    'client named as a replica',
    (s) => withLine(s, 'name: "admin"', ['  - name: replica-1']),
    (s) => lineOf(s, 'name: replica-1'),
    /reserved/,
  ],
  [
    'client name twice',
    (s) => withLine(s, 'name: "admin"', ['  - name: ADMIN', `    publicKey: ${key}`, '  - name: admin']),
    (s) => lineOf(s, 'name: admin'),
    /client name admin is already used/,
  ],
  [
    'client key twice',
    (s) =>
      withLine(
        withLine(s, 'name: "admin"', ['  - name: bob', `    publicKey: ${key}`, '  - name: admin']),
        'publicKey: "',
        [`    publicKey: ${key}`],
        4,
      ),
    (s) => lineOf(s, key, 1),
    /this publicKey is already used/,
  ],
  [
    'unknown setting',
    (s) => withLine(s, 'settings:', ['settings:', '  timeout: 3']),
    (s) => lineOf(s, 'timeout: 3'),
    /settings has an unknown key "timeout"/,
  ],
  [
    'setting with a unit',
    (s) => withLine(s, 'settings:', ['settings:', '  requestTimeoutMs: 3s']),
    (s) => lineOf(s, ': 3s'),
    /whole number from 10 to/,
  ],
  [
    'fractional setting',
    (s) => withLine(s, 'settings:', ['settings:', '  clockSkewMaxMs: 1.5']),
    (s) => lineOf(s, '1.5'),
    /whole number from 1 to/,
  ],
  [
    'setting out of range',
    (s) => withLine(s, 'settings:', ['settings:', '  windowBatches: 0']),
    (s) => lineOf(s, 'windowBatches'),
    /from 1 to 128/,
  ],
  [
    'a form of requests that there is not',
    (s) => withLine(s, 'settings:', ['settings:', '  requestAuth: macs']),
    (s) => lineOf(s, 'requestAuth'),
    /requestAuth is "macs"; write signature or mac/,
  ],
  [
    'metrics without port',
    (s) => withLine(s, 'settings:', ['settings:', '  metrics: {}']),
    (s) => lineOf(s, 'metrics'),
    /metrics lacks basePort/,
  ],
  [
    'metrics port too high',
    (s) => withLine(s, 'settings:', ['settings:', '  metrics:', '    basePort: 65533']),
    (s) => lineOf(s, 'basePort'),
    /from 1 to 65532/,
  ],
];

describe('mistakes', () => {
  test.each(mistakes)('%s', (_, change, line, message) => {
    const bad = change(text);
    expect(bad).not.toBe(text);
    const error = refusal(() => parseClusterFile(bad, 'my/cluster.yaml'));
    expect(error.code).toBe('CLUSTER_FILE_INVALID');
    expect(error.fields).toEqual({ path: 'my/cluster.yaml', line: line(bad) });
    expect(error.message.startsWith(`my/cluster.yaml:${line(bad)}: `)).toBe(true);
    expect(error.message).toMatch(message);
  });

  test('whatever is cut out or garbled, the answer is a description or a refusal with a line', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(300), fc.string({ maxLength: 20 }), (at, length, junk) => {
        const start = at % text.length;
        const bad = text.slice(0, start) + junk + text.slice(start + length);
        try {
          parseClusterFile(bad, 'c');
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidInputError);
          const { code, fields } = error as InvalidInputError;
          expect(code).toBe('CLUSTER_FILE_INVALID');
          expect(fields['line']).toBeGreaterThan(0);
          expect(fields['line']).toBeLessThanOrEqual(bad.split('\n').length);
        }
      }),
      { numRuns: 300 },
    );
  });
});

test.each(['', '.', '..', '.a', '-a', 'a/b', 'a\\b', 'a b', 'a\n', 'ü', 'a'.repeat(65), 'Replica-0', 'a\0'])(
  'client name %j is refused',
  (name) => expect(refusal(() => checkClientName(name)).code).toBe('CLIENT_NAME_INVALID'),
);

test.each(['a', 'alice', 'Alice-2', '0x', 'a..b', 'replica-x', 'a'.repeat(64)])(
  'client name %j is good',
  (name) => expect(checkClientName(name)).toBeUndefined(),
);

describe('parseAddress', () => {
  test.each([
    ['localhost:1', 'localhost', 1],
    ['a-b.example.org:65535', 'a-b.example.org', 65535],
    ['127.0.0.1:7000', '127.0.0.1', 7000],
    ['[::1]:7000', '::1', 7000],
    ['[2001:DB8::1]:80', '2001:DB8::1', 80],
    ['[::ffff:1.2.3.4]:80', '::ffff:1.2.3.4', 80],
  ])('%s', (address, host, port) => expect(parseAddress(address)).toEqual({ host, port }));

  test.each([
    '',
    ':1',
    'a',
    'a:',
    'a:0',
    'a:01',
    'a:65536',
    'a:1x',
    '::1:1',
    '[127.0.0.1]:1',
    '[a]:1',
    '[::1]',
    '[fe80::1%lo]:1',
    '256.1.1.1:1',
    '1.2.3:1',
    'a_b:1',
    '-a:1',
    'a-:1',
    'a..b:1',
    'a b:1',
    'http://a:1',
    `${'a'.repeat(64)}:1`,
    'a:1\n',
  ])('%j is none', (address) => expect(parseAddress(address)).toBeNull());
});
