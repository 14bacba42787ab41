/** What operations do to others, noted; every result is taken. */
import type { ClientId, SessionId } from '../../src/base/index.js';
import { decodeResult, type Result } from '../../src/codec/index.js';

export interface Resolved {
  readonly session: SessionId;
  readonly number: number;
  readonly result: Result | null;
}

export class NotedEffects {
  readonly resolved: Resolved[] = [];
  readonly notified: [SessionId, number][] = [];
  readonly endedClients: ClientId[] = [];
  /** What `resolve` answers: whether the session has room. */
  hasRoom = true;

  resolve = (session: SessionId, number: number, result: Uint8Array): boolean => {
    this.resolved.push({ session, number, result: decodeResult(result) });
    return this.hasRoom;
  };

  notify = (session: SessionId, number: number): void => {
    this.notified.push([session, number]);
  };

  endClient = (client: ClientId): void => {
    this.endedClients.push(client);
  };
}

/** Nobody waits, nobody is told and nobody has a session. */
export const noEffects = {
  resolve: (): boolean => true,
  notify: (): void => undefined,
  endClient: (): void => undefined,
};
