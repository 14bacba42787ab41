/**
 * The line protocol between a database replica and its coordinator (ReD; Posse, Lisbon 2011, chapter 3): a line is a keyword
 * and a list of words. What is beyond the published messages, red/2, is spoken only after both sides have said
 * `HELLO red/2`. Parsing is bounded and strict: a line is a message or a problem with a code, never an exception.
 */

/** The replica of a database, and its coordinator: the name of the coordinator's client identity. */
export type MemberId = string;

/** What a database replica says. */
export type ReplicaMessage =
  /** I have started and am stopped; said again, I have been stopped and want to take part again. */
  | { readonly kind: 'booted'; readonly id: MemberId }
  /** I know the copier that you told me of last. */
  | { readonly kind: 'ack' }
  /** red/2 from here on. First of all. */
  | { readonly kind: 'hello' }
  /** Where others reach the database of this replica. */
  | { readonly kind: 'address'; readonly address: string }
  /** How long is what you said last still true? */
  | { readonly kind: 'ping'; readonly number: number }
  /** I do not write any more, and will not before I am told to. */
  | { readonly kind: 'stopped' }
  /** As the writer: these, and I among them, hold every acknowledged commit. Put that on record. */
  | { readonly kind: 'sync'; readonly ids: readonly MemberId[] }
  /** As the writer: how far behind those are who receive from it. */
  | { readonly kind: 'lag'; readonly lags: readonly Lag[] };

export interface Lag {
  readonly id: MemberId;
  readonly bytes: number;
}

/** What a coordinator says. */
export type CoordinatorMessage =
  /** To the writer: this one wants to become a copier; say `ACK`. */
  | { readonly kind: 'booted'; readonly id: MemberId }
  | { readonly kind: 'makeCopier' }
  /** You are the writer; the copiers are these. `fenced`: red/2. */
  | { readonly kind: 'makeWriter'; readonly copiers: readonly MemberId[]; readonly fenced?: Fenced }
  /** To the writer: that copier has failed. */
  | { readonly kind: 'failed'; readonly id: MemberId }
  | { readonly kind: 'error'; readonly code: string; readonly text: string }
  /** red/2 from here on. */
  | { readonly kind: 'hello' }
  /** True for so many ms from the moment of the ping on; 0: not true any more. */
  | { readonly kind: 'pong'; readonly number: number; readonly forMs: number }
  /** To a copier: the writer is this one. */
  | {
      readonly kind: 'follow';
      readonly id: MemberId;
      readonly token: bigint;
      readonly address: string | null;
    }
  /** To the writer: it is on record that these hold every acknowledged commit. */
  | { readonly kind: 'synced'; readonly ids: readonly MemberId[] }
  /** To the writer: stop at once, and say `STOPPED`. */
  | { readonly kind: 'stepDown' }
  /** To a copier: you are stopped; say `BOOTED` to take part again. */
  | { readonly kind: 'makeStopped' };

export interface Fenced {
  /** Greater than that of every writer before. */
  readonly token: bigint;
  /** Who holds every acknowledged commit; null: nobody has put anything on record yet. */
  readonly sync: readonly MemberId[] | null;
}

/** What is wrong with a line. */
export type LineProblem =
  'LINE_TOO_LONG' | 'CHARACTERS_WRONG' | 'KEYWORD_UNKNOWN' | 'WORDS_WRONG' | 'ID_WRONG';

export type Parsed<M> = { readonly message: M } | { readonly problem: LineProblem };

/** Bytes of a line without its end: room for two lists of `idsMax` ids each. */
export const lineBytesMax = 8_192;
/** In one line. */
export const idsMax = 32;
const idPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const addressPattern = /^[\x21-\x7e]{1,255}$/;
const numberPattern = /^(0|[1-9][0-9]{0,14})$/;
const tokenPattern = /^[1-9][0-9]{0,18}$/;

/** Whether a coordinator may be called that. */
export const isMemberId = (text: string): boolean => idPattern.test(text);

const problem = (code: LineProblem): { readonly problem: LineProblem } => ({ problem: code });

const isDistinct = (ids: readonly string[]): boolean => new Set(ids).size === ids.length;

/** Null: no list of ids. */
function idsOf(words: readonly string[]): readonly MemberId[] | null {
  return words.length <= idsMax && words.every(isMemberId) && isDistinct(words) ? words : null;
}

/** `r2=0 r3=8192`; null: no such list. */
export function lagsOf(words: readonly string[]): readonly Lag[] | null {
  const pairs = words.map((word) => word.split('='));
  const isList = pairs.every(([, bytes, ...rest]) => numberPattern.test(bytes ?? '') && rest.length === 0);
  if (!isList || idsOf(pairs.map(([id]) => id!)) === null) return null;
  return pairs.map(([id, bytes]) => ({ id: id!, bytes: Number(bytes) }));
}

export const lagsText = (lags: readonly Lag[]): string =>
  lags.map(({ id, bytes }) => `${id}=${bytes}`).join(' ');

const withId = <K extends string>(
  kind: K,
  words: readonly string[],
): Parsed<{ readonly kind: K; readonly id: MemberId }> => {
  if (words.length !== 1) return problem('WORDS_WRONG');
  return isMemberId(words[0]!) ? { message: { kind, id: words[0]! } } : problem('ID_WRONG');
};

const withIds = <K extends string>(
  kind: K,
  words: readonly string[],
): Parsed<{ readonly kind: K; readonly ids: readonly MemberId[] }> => {
  const ids = idsOf(words);
  return ids === null ? problem('ID_WRONG') : { message: { kind, ids } };
};

const alone = <K extends string>(kind: K, words: readonly string[]): Parsed<{ readonly kind: K }> =>
  words.length === 0 ? { message: { kind } } : problem('WORDS_WRONG');

type Common = { readonly kind: 'booted'; readonly id: MemberId } | { readonly kind: 'hello' };

/** What both sides say, and the rest by `parseOwn`. */
function parseLine<M>(
  line: string,
  parseOwn: (keyword: string, words: readonly string[]) => Parsed<M>,
): Parsed<M | Common> {
  if (line.length > lineBytesMax) return problem('LINE_TOO_LONG');
  const [keyword = '', ...words] = line.split(' ');
  if (keyword === 'BOOTED') return withId('booted', words);
  if (keyword !== 'HELLO') return parseOwn(keyword, words);
  return words.length === 1 && words[0] === 'red/2' ? { message: { kind: 'hello' } } : problem('WORDS_WRONG');
}

export const parseReplicaLine = (line: string): Parsed<ReplicaMessage> => parseLine(line, parseReplicaWords);

export const parseCoordinatorLine = (line: string): Parsed<CoordinatorMessage> =>
  parseLine(line, parseCoordinatorWords);

function parseReplicaWords(keyword: string, words: readonly string[]): Parsed<ReplicaMessage> {
  switch (keyword) {
    case 'ACK':
      return alone('ack', words);
    case 'STOPPED':
      return alone('stopped', words);
    case 'SYNC':
      return words.length === 0 ? problem('WORDS_WRONG') : withIds('sync', words);
    case 'LAG': {
      const lags = lagsOf(words);
      return lags === null ? problem('WORDS_WRONG') : { message: { kind: 'lag', lags } };
    }
    case 'ADDRESS': {
      const isOne = words.length === 1 && addressPattern.test(words[0]!);
      return isOne ? { message: { kind: 'address', address: words[0]! } } : problem('WORDS_WRONG');
    }
    case 'PING': {
      const isOne = words.length === 1 && numberPattern.test(words[0]!);
      return isOne ? { message: { kind: 'ping', number: Number(words[0]) } } : problem('WORDS_WRONG');
    }
    default:
      return problem('KEYWORD_UNKNOWN');
  }
}

/** `name=value` at the front of the words; null: it is not there. */
function named(name: string, words: readonly string[]): string | null {
  const [first = ''] = words;
  return first.startsWith(`${name}=`) ? first.slice(name.length + 1) : null;
}

function parseMakeWriter(words: readonly string[]): Parsed<CoordinatorMessage> {
  const token = named('token', words);
  if (token === null) {
    const copiers = idsOf(words);
    return copiers === null ? problem('ID_WRONG') : { message: { kind: 'makeWriter', copiers } };
  }
  if (!tokenPattern.test(token)) return problem('WORDS_WRONG');
  const listed = named('sync', words.slice(1));
  const copiers = idsOf(words.slice(listed === null ? 1 : 2));
  const sync = listed === null ? null : idsOf(listed.split(','));
  if (copiers === null || (listed !== null && sync === null)) return problem('ID_WRONG');
  return { message: { kind: 'makeWriter', copiers, fenced: { token: BigInt(token), sync } } };
}

function parseFollow(words: readonly string[]): Parsed<CoordinatorMessage> {
  const [id = '', ...rest] = words;
  const token = named('token', rest);
  const address = named('address', rest.slice(1));
  if (!isMemberId(id)) return problem('ID_WRONG');
  const isTold = token !== null && tokenPattern.test(token) && rest.length === (address === null ? 1 : 2);
  if (!isTold || (address !== null && !addressPattern.test(address))) return problem('WORDS_WRONG');
  return { message: { kind: 'follow', id, token: BigInt(token), address } };
}

function parseCoordinatorWords(keyword: string, words: readonly string[]): Parsed<CoordinatorMessage> {
  switch (keyword) {
    case 'MAKECOPIER':
      return alone('makeCopier', words);
    case 'MAKEWRITER':
      return parseMakeWriter(words);
    case 'FAILED':
      return withId('failed', words);
    case 'ERROR': {
      const [code = '', ...text] = words;
      return code === ''
        ? problem('WORDS_WRONG')
        : { message: { kind: 'error', code, text: text.join(' ') } };
    }
    case 'PONG': {
      const isTwo = words.length === 2 && words.every((word) => numberPattern.test(word));
      const [number, forMs] = words.map(Number);
      return isTwo ? { message: { kind: 'pong', number: number!, forMs: forMs! } } : problem('WORDS_WRONG');
    }
    case 'FOLLOW':
      return parseFollow(words);
    case 'SYNCED':
      return withIds('synced', words);
    case 'STEPDOWN':
      return alone('stepDown', words);
    case 'MAKESTOPPED':
      return alone('makeStopped', words);
    default:
      return problem('KEYWORD_UNKNOWN');
  }
}

/** Without the end of the line. */
export function formatReplicaMessage(message: ReplicaMessage): string {
  switch (message.kind) {
    case 'booted':
      return `BOOTED ${message.id}`;
    case 'ack':
      return 'ACK';
    case 'hello':
      return 'HELLO red/2';
    case 'address':
      return `ADDRESS ${message.address}`;
    case 'ping':
      return `PING ${message.number}`;
    case 'stopped':
      return 'STOPPED';
    case 'sync':
      return ['SYNC', ...message.ids].join(' ');
    case 'lag':
      return `LAG ${lagsText(message.lags)}`.trimEnd();
  }
}

function makeWriterWords({ copiers, fenced }: CoordinatorMessage & { kind: 'makeWriter' }): string[] {
  if (fenced === undefined) return ['MAKEWRITER', ...copiers];
  const sync = fenced.sync === null ? [] : [`sync=${fenced.sync.join(',')}`];
  return ['MAKEWRITER', `token=${fenced.token}`, ...sync, ...copiers];
}

export function formatCoordinatorMessage(message: CoordinatorMessage): string {
  switch (message.kind) {
    case 'booted':
      return `BOOTED ${message.id}`;
    case 'makeCopier':
      return 'MAKECOPIER';
    case 'makeWriter':
      return makeWriterWords(message).join(' ');
    case 'failed':
      return `FAILED ${message.id}`;
    case 'error':
      return `ERROR ${message.code} ${message.text}`.trimEnd();
    case 'hello':
      return 'HELLO red/2';
    case 'pong':
      return `PONG ${message.number} ${message.forMs}`;
    case 'follow': {
      const address = message.address === null ? '' : ` address=${message.address}`;
      return `FOLLOW ${message.id} token=${message.token}${address}`;
    }
    case 'synced':
      return ['SYNCED', ...message.ids].join(' ');
    case 'stepDown':
      return 'STEPDOWN';
    case 'makeStopped':
      return 'MAKESTOPPED';
  }
}
