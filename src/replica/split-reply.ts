/** Replies that would not fit a frame, in parts. */
import type { Reply } from '../codec/index.js';

/** A longer reply is split, to stay well within a frame. */
export const replyBytesMax = 2 << 20;

/** Parts of a reply, in order, each of at most `bytesMax` of results unless one result alone is larger. */
export function splitReply(reply: Reply, bytesMax: number): readonly Reply[] {
  const sizes = reply.outcomes.map((outcome, i) => {
    const shareBytes = reply.shares?.[i]?.length ?? 0;
    return outcome.kind === 'result' ? outcome.result.length + shareBytes : 0;
  });
  if (sizes.reduce((sum, size) => sum + size, 0) <= bytesMax) return [reply];
  const parts: Reply[] = [];
  let start = 0;
  let bytes = 0;
  for (const [i, size] of sizes.entries()) {
    if (i > start && bytes + size > bytesMax) {
      parts.push(partOf(reply, start, i));
      start = i;
      bytes = 0;
    }
    bytes += size;
  }
  parts.push(partOf(reply, start, sizes.length));
  return parts;
}

function partOf(reply: Reply, start: number, end: number): Reply {
  const { firstNumber, outcomes, shares } = reply;
  return {
    ...reply,
    firstNumber: firstNumber + start,
    outcomes: outcomes.slice(start, end),
    ...(shares === undefined ? {} : { shares: shares.slice(start, end) }),
  };
}
