/**
 * A key file in shares (Shamir, How to Share a Secret, CACM 22(11), 1979; over GF(2^8), byte by byte, by the library
 * shamir-secret-sharing): `threshold` of them bring it back to the byte, fewer say nothing but its length. A share is a text
 * with a head in the clear. The head's commitment SHA-256(tag ‖ salt ‖ content) is to a salt that is shared along with
 * the content, so that nobody who has one share can try guesses; whoever combines checks it. No error message may hold
 * any part of a share.
 */
import { createHash, randomBytes } from 'node:crypto';
import { combine, split } from 'shamir-secret-sharing';
import { InvalidInputError } from '../base/index.js';

/** What can be split, so that its shares still are key files. */
export const splittableBytesMax = 32 << 10;
export const keySharesMax = 255;
export const keyThresholdMin = 2;

const saltBytes = 32;
const commitmentTag = 'theodora key share v1\0';
const armour =
  /^-----BEGIN THEODORA KEY SHARE-----\n([\s\S]*)checksum: ([0-9a-f]{64})\n-----END THEODORA KEY SHARE-----\n?$/;
const head =
  /^version: 1\nof: ([\w.-]{1,128})\nset: ([0-9a-f]{16})\nshare: ([0-9]{1,3}) of ([0-9]{1,3})\nthreshold: ([0-9]{1,3})\ncommitment: ([0-9a-f]{64})\n\n([A-Za-z0-9+/=\n]+)\n$/;

export interface KeyShare {
  /** Name of the file that was split. */
  readonly of: string;
  /** Shares of one splitting have the same, drawn anew each time. */
  readonly set: string;
  /** 1…shares. */
  readonly index: number;
  readonly shares: number;
  readonly threshold: number;
  /** 64 hexadecimal digits. */
  readonly commitment: string;
  readonly data: Uint8Array;
}

/** A share, and what to call it in messages: the path of its file. */
export interface NamedKeyShare {
  readonly path: string;
  readonly share: KeyShare;
}

function commitmentTo(payload: Uint8Array): string {
  return createHash('sha256').update(commitmentTag).update(payload).digest('hex');
}

const checksumOf = (body: string): string => createHash('sha256').update(body).digest('hex');

const wrapped = (base64: string): string => base64.replace(/.{64}(?=.)/g, '$&\n');

export function formatKeyShare(share: KeyShare): string {
  const { of, set, index, shares, threshold, commitment, data } = share;
  const body = [
    ...['version: 1', `of: ${of}`, `set: ${set}`, `share: ${index} of ${shares}`],
    ...[`threshold: ${threshold}`, `commitment: ${commitment}`, ''],
    wrapped(Buffer.from(data).toString('base64')),
    '',
  ].join('\n');
  const lines = ['-----BEGIN THEODORA KEY SHARE-----', `${body}checksum: ${checksumOf(body)}`];
  return [...lines, '-----END THEODORA KEY SHARE-----', ''].join('\n');
}

function malformed(path: string, problem: string): InvalidInputError {
  const message = `${path}: ${problem}. Use another share, or another copy of this one.`;
  return new InvalidInputError('KEY_SHARE_MALFORMED', message, { path });
}

/** `path`: for messages. @throws InvalidInputError KEY_SHARE_MALFORMED {path}. */
export function parseKeyShare(text: string, path: string): KeyShare {
  const [, body, checksum] = armour.exec(text) ?? [];
  if (body === undefined) throw malformed(path, 'not a share of a key, or cut off');
  if (checksumOf(body) !== checksum) throw malformed(path, 'damaged: its checksum does not fit');
  const [, of = '', set = '', index, shares, threshold, commitment = '', base64 = ''] = head.exec(body) ?? [];
  const data = new Uint8Array(Buffer.from(base64, 'base64'));
  const share = {
    ...{ of, set, index: Number(index), shares: Number(shares) },
    ...{ threshold: Number(threshold), commitment, data },
  };
  if (!isSound(share)) throw malformed(path, 'not as this release writes shares of keys');
  return share;
}

function isSound({ index, shares, threshold, data }: KeyShare): boolean {
  const isCounted = index >= 1 && index <= shares && shares <= keySharesMax;
  const hasThreshold = threshold >= keyThresholdMin && threshold <= shares;
  // The last byte is the point at which the polynomials were evaluated; at 0 they are the secret.
  return isCounted && hasThreshold && data.length > saltBytes + 1 && data.at(-1) !== 0;
}

/** A name of a file as a share's head may have it. */
function shownName(name: string): string {
  return name.replace(/[^\w.-]/g, '_').slice(0, 128) || 'key';
}

/**
 * `shares` shares of which any `threshold` bring `content` back; `name`: of its file.
 * @throws InvalidInputError KEY_THRESHOLD_INVALID, KEY_FILE_MALFORMED (empty, or more than `splittableBytesMax`).
 */
export async function splitKey(
  content: Uint8Array,
  { name, shares, threshold }: { readonly name: string; readonly shares: number; readonly threshold: number },
): Promise<readonly KeyShare[]> {
  const isCounted = Number.isSafeInteger(shares) && Number.isSafeInteger(threshold);
  if (!isCounted || threshold < keyThresholdMin || threshold > shares || shares > keySharesMax) {
    const message = `a key is split into at most ${keySharesMax} shares, of which at least ${keyThresholdMin} and at most all bring it back; not ${threshold} of ${shares}.`;
    throw new InvalidInputError('KEY_THRESHOLD_INVALID', message, { shares, threshold });
  }
  if (content.length === 0 || content.length > splittableBytesMax) {
    const message = `${name}: ${content.length} bytes; a key file to split has 1 to ${splittableBytesMax}. Split the key itself, not an archive.`;
    throw new InvalidInputError('KEY_FILE_MALFORMED', message, { sizeBytes: content.length });
  }
  const payload = new Uint8Array(saltBytes + content.length);
  payload.set(randomBytes(saltBytes));
  payload.set(content, saltBytes);
  const common = {
    ...{ of: shownName(name), set: randomBytes(8).toString('hex') },
    ...{ shares, threshold, commitment: commitmentTo(payload) },
  };
  const parts = await split(payload, shares, threshold);
  payload.fill(0);
  return parts.map((data, at) => ({ ...common, index: at + 1, data }));
}

/** What all shares of one splitting say alike. */
const splittingOf = ({ of, set, shares, threshold, commitment, data }: KeyShare): string =>
  [of, set, shares, threshold, commitment, data.length].join('\n');

function checkOneSet(given: readonly NamedKeyShare[]): void {
  const [first] = given;
  const other = given.find(({ share }) => splittingOf(share) !== splittingOf(first!.share));
  if (first === undefined || other === undefined) return;
  const paths = [first.path, other.path];
  const said = ({ share, path }: NamedKeyShare): string => `${path} (set ${share.set} of ${share.of})`;
  const message = `${said(first)} and ${said(other)} are of different splittings. Give shares of one set.`;
  throw new InvalidInputError('KEY_SHARES_MIXED', message, { paths });
}

function checkDifferent(given: readonly NamedKeyShare[]): void {
  const seen = new Map<number, string>();
  for (const { path, share } of given) {
    const before = seen.get(share.index);
    seen.set(share.index, path);
    if (before === undefined) continue;
    const message = `${before} and ${path} are both share ${share.index}. Give each share once.`;
    throw new InvalidInputError('KEY_SHARES_REPEATED', message, { paths: [before, path] });
  }
}

function contradicting(given: readonly NamedKeyShare[]): InvalidInputError {
  const paths = given.map(({ path }) => path);
  const message = `${paths.join(', ')}: together they give another key than was split, so at least one has been changed since. Try with others.`;
  return new InvalidInputError('KEY_SHARES_CONTRADICT', message, { paths });
}

/**
 * The content of the file that was split; the caller wipes it.
 * @throws InvalidInputError KEY_SHARES_MIXED, KEY_SHARES_REPEATED, KEY_SHARES_CONTRADICT {paths}; KEY_SHARES_TOO_FEW
 * {count, threshold}.
 */
export async function combineKey(given: readonly NamedKeyShare[]): Promise<Uint8Array> {
  checkOneSet(given);
  checkDifferent(given);
  const { threshold = keyThresholdMin, set, commitment } = given[0]?.share ?? {};
  if (given.length < threshold) {
    const message = `${given.length} of the ${threshold} shares that are needed${set === undefined ? '' : ` of set ${set}`}. Give ${threshold - given.length} more.`;
    throw new InvalidInputError('KEY_SHARES_TOO_FEW', message, { count: given.length, threshold });
  }
  const points = new Set(given.map(({ share }) => share.data.at(-1)));
  if (points.size < given.length) throw contradicting(given);
  const payload = await combine(given.map(({ share }) => share.data));
  try {
    if (commitmentTo(payload) !== commitment) throw contradicting(given);
    return payload.slice(saltBytes);
  } finally {
    payload.fill(0);
  }
}
