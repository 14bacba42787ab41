/**
 * Limits of the ordering layer, in some of the random runs as small as a short run can meet: what a client may have waiting or
 * unanswered, what is kept for it. Correct clients are refused then, or wait for room, but always get on in the end.
 */
import type { Prng } from '../base/index.js';
import type { ClientSettings } from '../client/index.js';
import { defaultOrderingConfig as usual, type OrderingConfig } from '../ordering/index.js';

export interface DrawnLimits {
  readonly config: Partial<OrderingConfig>;
  /** What clients have to know of them. */
  readonly clientSettings: Partial<ClientSettings>;
}

export function drawSmallLimits(random: Prng, isAllowed = true): DrawnLimits {
  if (!isAllowed || !random.chance(1, 8)) return { config: {}, clientSettings: {} };
  const sessionNumbersMax = random.pick([2, 4, 16, usual.sessionNumbersMax]);
  return {
    config: {
      // No fewer than there may be clients: each has room for one.
      pendingEnvelopesMax: random.pick([16, usual.pendingEnvelopesMax]),
      pendingEnvelopesPerClientMax: random.pick([1, 2, 8, usual.pendingEnvelopesPerClientMax]),
      pendingBytesMax: random.pick([8 << 10, usual.pendingBytesMax]),
      pendingBytesPerClientMax: random.pick([256, 4 << 10, usual.pendingBytesPerClientMax]),
      pendingReadsMax: random.pick([4, usual.pendingReadsMax]),
      pendingReadsPerClientMax: random.pick([1, usual.pendingReadsPerClientMax]),
      sessionNumbersMax,
      sessionReplyBytesMax: random.pick([64, 1 << 10, usual.sessionReplyBytesMax]),
      clientReplyBytesMax: random.pick([256, 4 << 10, usual.clientReplyBytesMax]),
      sessionWaitsMax: random.pick([1, 4, usual.sessionWaitsMax]),
      envelopeBytesMax: random.pick([64 << 10, usual.envelopeBytesMax]),
    },
    clientSettings: { sessionNumbersMax, envelopeBytesMax: 32 << 10 },
  };
}
