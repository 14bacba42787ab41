/** expand_message_xmd with SHA-512 for 64 bytes of output (RFC 9380 section 5.3.1): one block of the hash. */
import { hash } from 'node:crypto';
import { assert, concatBytes, encodeUtf8 } from '../../base/index.js';

const blockBytes = 128;
const outputBytes = 64;
const zeroPad = new Uint8Array(blockBytes);
const outputLength = Uint8Array.of(outputBytes >> 8, outputBytes & 0xff);
const zero = Uint8Array.of(0);
const one = Uint8Array.of(1);

/** `tag` is the DST, 1 … 255 bytes of UTF-8. */
export function expandMessage(message: Uint8Array, tag: string): Uint8Array {
  const tagBytes = encodeUtf8(tag);
  assert(tagBytes !== null && tagBytes.length > 0 && tagBytes.length < 256, 'a DST has 1 to 255 bytes');
  const tagPrime = concatBytes([tagBytes, Uint8Array.of(tagBytes.length)]);
  const first = hash('sha512', concatBytes([zeroPad, message, outputLength, zero, tagPrime]), 'buffer');
  return Uint8Array.from(hash('sha512', concatBytes([first, one, tagPrime]), 'buffer'));
}
