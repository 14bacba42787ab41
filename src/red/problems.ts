/** What the `ERROR` lines of a coordinator say to people: which line it was, and what to do in its place. */
import { lineBytesMax, type LineProblem, type MemberId } from './messages.js';

const saidCharactersMax = 64;

/** The beginning of a line, safe to print. */
function quoted(line: string): string {
  const start = line.slice(0, saidCharactersMax).replace(/[^\x20-\x7e]/g, '?');
  return line.length > saidCharactersMax ? `"${start}..."` : `"${start}"`;
}

const forms =
  'BOOTED id, ACK, HELLO red/2, ADDRESS host:port, PING number, STOPPED, SYNC id ..., LAG id=bytes ... (in capitals, one space between words)';

function remedy(problem: LineProblem, own: MemberId): string {
  switch (problem) {
    case 'LINE_TOO_LONG':
      return `end every message with a line feed; a line has at most ${lineBytesMax} bytes`;
    case 'CHARACTERS_WRONG':
      return 'a line is printable ASCII';
    case 'KEYWORD_UNKNOWN':
    case 'WORDS_WRONG':
      return `the messages are ${forms}`;
    case 'ID_WRONG':
      return `the replica here is ${own}; an id has 1 to 64 letters, digits, ".", "_" and "-", and is listed once`;
  }
}

/** `line` is null if nothing of it was kept. */
export function problemText(problem: LineProblem, line: string | null, own: MemberId): string {
  return `${line === null ? 'a line' : quoted(line)} was ignored: ${remedy(problem, own)}`;
}

/** To whoever connects second. */
export const connectedText = (own: MemberId): string =>
  `the replica ${own} is connected here already: end that connection first, or connect to your own coordinator`;
