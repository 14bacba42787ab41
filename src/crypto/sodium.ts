/** libsodium, where there is a build of it for the platform. */
import { createRequire } from 'node:module';

export interface Sodium {
  crypto_sign_verify_detached(signature: Uint8Array, bytes: Uint8Array, publicKey: Uint8Array): boolean;
  /** Memory of its own between guards, locked if the system permits it, wiped when it is let go of. */
  sodium_malloc(bytes: number): Uint8Array;
  /** `secretKey`: seed and public key, 64 bytes. */
  crypto_sign_detached(signature: Uint8Array, bytes: Uint8Array, secretKey: Uint8Array): void;
}

function load(): Sodium | null {
  try {
    return createRequire(import.meta.url)('sodium-native') as Sodium;
  } catch {
    return null;
  }
}

/** Null: there is none. */
export const sodium = load();
