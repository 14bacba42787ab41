/** Envelopes on their way to the replica inside, from clients and passed on by peers. */
import type { ClientId } from '../../base/index.js';
import { decodeEnvelope } from '../../codec/index.js';
import type { Envelope } from '../../codec/index.js';
import type { OutsideInput } from './behaviour.js';

/** How many inputs a behaviour keeps from the replica inside at most. */
export const heldInputsMax = 1_024;

/** The envelope that the input brings, or null. */
export function envelopeOf(input: OutsideInput): Envelope | null {
  if (input.kind === 'envelope') return input.envelope;
  if (input.kind !== 'message' || input.message.kind !== 'forward') return null;
  return decodeEnvelope(input.message.envelope);
}

/** Whose it is; a REJOIN is nobody's. */
export function clientOf(input: OutsideInput): ClientId | null {
  if (input.kind === 'read') return input.client;
  const envelope = envelopeOf(input);
  return envelope === null || envelope.body.kind === 'rejoin' ? null : envelope.body.client;
}
