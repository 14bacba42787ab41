/** Randomness for whatever takes its random bytes as a parameter. */
import { randomBytes } from 'node:crypto';

export const freshBytes = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
