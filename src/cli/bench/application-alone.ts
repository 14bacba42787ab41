/** The replicated application in the bench's own process: no clients, network or signatures around it. */
import { sessionId, type ClientId } from '../../base/index.js';
import type { Effects } from '../../ordering/index.js';
import type { Service } from '../../service/index.js';

/** Nobody waits, has subscribed or is revoked. */
export const noEffects: Effects = {
  resolve: () => true,
  notify: () => undefined,
  endClient: () => undefined,
};

/** What is done to it: an encoded operation at this ordered time. */
export interface AloneRequest {
  readonly client: ClientId;
  readonly operation: Uint8Array;
  readonly time: number;
}

export function executeAlone(service: Service, request: AloneRequest): ReturnType<Service['execute']> {
  const call = { session: sessionId(1), number: 1, mayWait: false, isVerified: true };
  return service.execute({ ...request, ...call }, noEffects);
}
