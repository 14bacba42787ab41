/** How a peer is asked. */
import type { OperationName } from '../loads.js';

export interface PeerSettings {
  readonly addresses: readonly string[];
  readonly payloadBytes: number;
  readonly timeoutMs: number;
}

export const notOffered = (service: string, operation: OperationName): Error =>
  new Error(`${service} is not asked for ${operation}`);
