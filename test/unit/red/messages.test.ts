import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatCoordinatorMessage,
  formatReplicaMessage,
  isMemberId,
  lineBytesMax,
  parseCoordinatorLine,
  parseReplicaLine,
  type CoordinatorMessage,
  type LineProblem,
  type ReplicaMessage,
} from '../../../src/red/index.js';

const replicaMessages: readonly (readonly [string, ReplicaMessage])[] = [
  ['BOOTED r1', { kind: 'booted', id: 'r1' }],
  ['ACK', { kind: 'ack' }],
  ['HELLO red/2', { kind: 'hello' }],
  ['ADDRESS 10.0.0.1:5432', { kind: 'address', address: '10.0.0.1:5432' }],
  ['PING 0', { kind: 'ping', number: 0 }],
  ['PING 17', { kind: 'ping', number: 17 }],
  ['STOPPED', { kind: 'stopped' }],
  ['SYNC r1', { kind: 'sync', ids: ['r1'] }],
  ['SYNC r2 r1', { kind: 'sync', ids: ['r2', 'r1'] }],
  ['LAG', { kind: 'lag', lags: [] }],
  [
    'LAG r2=0 r3=8192',
    {
      kind: 'lag',
      lags: [
        { id: 'r2', bytes: 0 },
        { id: 'r3', bytes: 8_192 },
      ],
    },
  ],
];

const coordinatorMessages: readonly (readonly [string, CoordinatorMessage])[] = [
  ['BOOTED r2', { kind: 'booted', id: 'r2' }],
  ['MAKECOPIER', { kind: 'makeCopier' }],
  ['MAKEWRITER', { kind: 'makeWriter', copiers: [] }],
  ['MAKEWRITER r2 r3', { kind: 'makeWriter', copiers: ['r2', 'r3'] }],
  ['MAKEWRITER token=7', { kind: 'makeWriter', copiers: [], fenced: { token: 7n, sync: null } }],
  [
    'MAKEWRITER token=9223372036854775807 sync=r1,r2 r2 r3',
    {
      kind: 'makeWriter',
      copiers: ['r2', 'r3'],
      fenced: { token: 9_223_372_036_854_775_807n, sync: ['r1', 'r2'] },
    },
  ],
  ['FAILED r2', { kind: 'failed', id: 'r2' }],
  ['ERROR WORDS_WRONG', { kind: 'error', code: 'WORDS_WRONG', text: '' }],
  ['ERROR WORDS_WRONG  two spaces', { kind: 'error', code: 'WORDS_WRONG', text: ' two spaces' }],
  ['HELLO red/2', { kind: 'hello' }],
  ['PONG 17 2600', { kind: 'pong', number: 17, forMs: 2_600 }],
  ['FOLLOW r1 token=7', { kind: 'follow', id: 'r1', token: 7n, address: null }],
  ['FOLLOW r1 token=7 address=db1:5432', { kind: 'follow', id: 'r1', token: 7n, address: 'db1:5432' }],
  ['SYNCED r1 r2', { kind: 'synced', ids: ['r1', 'r2'] }],
  ['STEPDOWN', { kind: 'stepDown' }],
  ['MAKESTOPPED', { kind: 'makeStopped' }],
];

const sides = [
  { side: 'a replica', parse: parseReplicaLine, problems: problemsOf(parseReplicaLine) },
  { side: 'a coordinator', parse: parseCoordinatorLine, problems: problemsOf(parseCoordinatorLine) },
];

function problemsOf(parse: (line: string) => object): (lines: readonly string[]) => unknown[] {
  return (lines) =>
    lines.map((line) => (parse(line) as { problem?: LineProblem }).problem ?? `taken: ${line}`);
}
const all = <T>(lines: readonly T[], code: LineProblem): LineProblem[] => lines.map(() => code);

describe('messages', () => {
  it.each(replicaMessages)('a replica says %s', (line, message) => {
    expect(parseReplicaLine(line)).toEqual({ message });
    expect(formatReplicaMessage(message)).toBe(line);
  });

  it.each(coordinatorMessages)('a coordinator says %s', (line, message) => {
    expect(parseCoordinatorLine(line)).toEqual({ message });
    expect(formatCoordinatorMessage(message)).toBe(line);
  });
});

describe('whatever is said is understood', () => {
  const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'];
  const id = fc
    .tuple(
      fc.constantFrom(...letters),
      fc.string({ unit: fc.constantFrom(...letters, '.', '_', '-'), maxLength: 63 }),
    )
    .map((parts) => parts.join(''));
  const ids = (minLength: number) => fc.uniqueArray(id, { minLength, maxLength: 32, size: 'max' });
  const printable = Array.from({ length: 94 }, (_, index) => String.fromCharCode(0x21 + index));
  const word = (maxLength: number) =>
    fc.string({ unit: fc.constantFrom(...printable), minLength: 1, maxLength });
  const number = fc.nat({ max: 999_999_999_999_999 });
  const token = fc.bigInt({ min: 1n, max: 9_223_372_036_854_775_807n });
  const kind = <const K extends string>(name: K) => fc.constant(name);

  const ofReplica: fc.Arbitrary<ReplicaMessage> = fc.oneof(
    fc.record({ kind: kind('booted'), id }),
    fc.record({ kind: fc.constantFrom('ack' as const, 'hello' as const, 'stopped' as const) }),
    fc.record({ kind: kind('address'), address: word(255) }),
    fc.record({ kind: kind('ping'), number }),
    fc.record({ kind: kind('sync'), ids: ids(1) }),
    fc.record({
      kind: kind('lag'),
      lags: fc.uniqueArray(fc.record({ id, bytes: number }), { maxLength: 32, selector: (lag) => lag.id }),
    }),
  );
  const fenced = fc.record({ token, sync: fc.option(ids(1)) });
  const ofCoordinator: fc.Arbitrary<CoordinatorMessage> = fc.oneof(
    fc.record({ kind: fc.constantFrom('booted' as const, 'failed' as const), id }),
    fc.record({
      kind: fc.constantFrom(
        'makeCopier' as const,
        'hello' as const,
        'stepDown' as const,
        'makeStopped' as const,
      ),
    }),
    fc.record({ kind: kind('makeWriter'), copiers: ids(0), fenced }, { requiredKeys: ['kind', 'copiers'] }),
    fc.record({
      kind: kind('error'),
      code: word(40),
      text: fc.array(word(20)).map((words) => words.join(' ')),
    }),
    fc.record({ kind: kind('pong'), number, forMs: number }),
    fc.record({ kind: kind('follow'), id, token, address: fc.option(word(255)) }),
    fc.record({ kind: kind('synced'), ids: ids(0) }),
  );

  it('by coordinators', () => {
    fc.assert(
      fc.property(ofReplica, (message) => {
        expect(parseReplicaLine(formatReplicaMessage(message))).toEqual({ message });
      }),
    );
  });

  it('by replicas', () => {
    fc.assert(
      fc.property(ofCoordinator, (message) => {
        expect(parseCoordinatorLine(formatCoordinatorMessage(message))).toEqual({ message });
      }),
    );
  });

  it('however many the ids, and however long', () => {
    const longest = Array.from({ length: 32 }, (_, index) => String(index).padEnd(64, 'x'));
    const token = 9_223_372_036_854_775_807n;
    const message: CoordinatorMessage = {
      kind: 'makeWriter',
      copiers: longest,
      fenced: { token, sync: longest },
    };
    expect(parseCoordinatorLine(formatCoordinatorMessage(message))).toEqual({ message });
  });

  it('or is a problem with a code, never an exception', () => {
    const noise = fc.oneof(fc.string(), fc.string({ unit: 'binary' }));
    const alike = fc
      .tuple(fc.constantFrom(...replicaMessages, ...coordinatorMessages), noise, fc.nat({ max: 40 }))
      .map(([[line], text, at]) => line.slice(0, at) + text + line.slice(at));
    fc.assert(
      fc.property(fc.oneof(noise, alike), (line) => {
        for (const { parse } of sides) {
          const parsed = parse(line);
          expect('message' in parsed || typeof parsed.problem === 'string').toBe(true);
        }
      }),
    );
  });
});

describe('an id', () => {
  it('is the name of a client', () => {
    for (const good of ['r', '1', 'r1', 'db-1.example_x', 'x'.repeat(64)])
      expect(isMemberId(good)).toBe(true);
    for (const bad of ['', '-r', '.r', '_r', 'r 1', 'r/1', 'r,1', 'r=1', 'r1\n', 'ä', 'x'.repeat(65)])
      expect(isMemberId(bad)).toBe(false);
  });
});

const badIds = ['', '-r', 'r/1', '/r1/', 'r1,r2', 'r=1', 'r1\r', 'r\0', 'r\u001b[2J', 'é', 'x'.repeat(65)];

describe.each(sides)('hostile lines to whoever hears $side', ({ problems }) => {
  it('with a keyword that is none', () => {
    const lines = [
      '',
      ' ',
      'BOOT r1',
      'Booted r1',
      'ack',
      'MAKEcopier',
      ' ACK',
      ' MAKECOPIER',
      'ACK\t',
      '\u0000',
    ];
    const inherited = ['constructor', '__proto__ x', 'toString'];
    expect(problems([...lines, ...inherited])).toEqual(all([...lines, ...inherited], 'KEYWORD_UNKNOWN'));
  });

  it('that are too long', () => {
    const lines = ['x'.repeat(10_240), `BOOTED ${'x'.repeat(lineBytesMax)}`, ' '.repeat(lineBytesMax + 1)];
    expect(problems(lines)).toEqual(all(lines, 'LINE_TOO_LONG'));
    expect(problems(['x'.repeat(lineBytesMax)])).toEqual(['KEYWORD_UNKNOWN']);
  });

  it('with ids that are none', () => {
    expect(problems(badIds.map((id) => `BOOTED ${id}`))).toEqual(all(badIds, 'ID_WRONG'));
    const lines = [
      'BOOTED',
      'BOOTED r1 r2',
      'BOOTED  r1',
      'BOOTED r1 ',
      'HELLO',
      'HELLO red/1',
      'HELLO red/2 ',
    ];
    expect(problems(lines)).toEqual(all(lines, 'WORDS_WRONG'));
  });
});

describe('hostile lines of a replica', () => {
  const problems = problemsOf(parseReplicaLine);

  it('with words that are too few, too many or of another form', () => {
    const lines = [
      'ACK 1',
      'ACK ',
      'STOPPED r1',
      'SYNC',
      'ADDRESS',
      'ADDRESS a b',
      'ADDRESS ',
      'PING',
      'PING 1 2',
      'LAG r2',
      'LAG r2=',
      'LAG r2=-1',
      'LAG r2=1=2',
      'LAG =1',
      'LAG r2=1 r2=2',
    ];
    const addresses = [`ADDRESS ${'x'.repeat(256)}`, 'ADDRESS a\tb', 'ADDRESS é', 'ADDRESS \u007f'];
    expect(problems([...lines, ...addresses])).toEqual(all([...lines, ...addresses], 'WORDS_WRONG'));
  });

  it('with numbers that are none', () => {
    const numbers = [
      '-1',
      '+1',
      '01',
      '1.5',
      '1e3',
      '0x1',
      '1_0',
      '9'.repeat(16),
      '1'.repeat(20),
      'NaN',
      '١',
    ];
    const lines = numbers.map((number) => `PING ${number}`);
    expect(problems(lines)).toEqual(all(lines, 'WORDS_WRONG'));
  });

  it('with lists of ids that are none', () => {
    const tooMany = Array.from({ length: 33 }, (_, index) => `r${index}`).join(' ');
    const lines = [
      'SYNC r1 r1',
      'SYNC r1  r2',
      'SYNC r1 ',
      `SYNC ${tooMany}`,
      ...badIds.map((id) => `SYNC r1 ${id}`),
    ];
    expect(problems(lines)).toEqual(all(lines, 'ID_WRONG'));
  });

  it('that only a coordinator says', () => {
    const lines = coordinatorMessages.map(([line]) => line).filter((line) => !/^(BOOTED|HELLO)/.test(line));
    expect(problems(lines)).toEqual(all(lines, 'KEYWORD_UNKNOWN'));
  });
});

describe('hostile lines of a coordinator', () => {
  const problems = problemsOf(parseCoordinatorLine);
  const badTokens = ['', '0', '-1', '+1', '07', '1.5', '1'.repeat(20), '7n', '0x7', '7,8'];

  it('with words that are too few, too many or of another form', () => {
    const alone = ['MAKECOPIER', 'STEPDOWN', 'MAKESTOPPED'].flatMap((word) => [`${word} r1`, `${word} `]);
    const pongs = [
      'PONG',
      'PONG 1',
      'PONG 1 2 3',
      'PONG 1  2',
      'PONG -1 2',
      'PONG 1 02',
      `PONG 1 ${'1'.repeat(20)}`,
    ];
    const lines = [...alone, ...pongs, 'FAILED', 'FAILED r1 r2', 'ERROR', 'ERROR '];
    expect(problems(lines)).toEqual(all(lines, 'WORDS_WRONG'));
  });

  it('with tokens that are none', () => {
    const lines = badTokens.flatMap((token) => [`MAKEWRITER token=${token} r2`, `FOLLOW r1 token=${token}`]);
    expect(problems(lines)).toEqual(all(lines, 'WORDS_WRONG'));
    const follows = [
      'FOLLOW r1',
      'FOLLOW r1 address=a',
      'FOLLOW r1 token=7 address=',
      'FOLLOW r1 token=7 r2',
    ];
    const swapped = ['FOLLOW r1 address=a token=7', 'FOLLOW r1 token=7 address=a b', 'FOLLOW r1 Token=7'];
    expect(problems([...follows, ...swapped])).toEqual(all([...follows, ...swapped], 'WORDS_WRONG'));
  });

  it('with lists of ids that are none', () => {
    const lists = ['r1 r1', 'r1  r2', 'r1 ', 'r2 token=7', 'sync=r1', 'token=7 sync=', 'token=7 sync=r1,r1'];
    const named = ['token=7 sync=r1,,r2', 'token=7 r2 sync=r1', 'token=7 token=8', 'Token=7 r2'];
    const makeWriters = [...lists, ...named, ...badIds].map((words) => `MAKEWRITER ${words}`);
    const lines = [
      ...makeWriters,
      'FAILED r/1',
      'FOLLOW r/1 token=7',
      'FOLLOW',
      'FOLLOW  token=7',
      'SYNCED r1 r1',
    ];
    expect(problems(lines)).toEqual(all(lines, 'ID_WRONG'));
  });

  it('that only a replica says', () => {
    const lines = replicaMessages.map(([line]) => line).filter((line) => !/^(BOOTED|HELLO)/.test(line));
    expect(problems(lines)).toEqual(all(lines, 'KEYWORD_UNKNOWN'));
  });
});
