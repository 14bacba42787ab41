/**
 * What a simulated replica's process does with what comes on a client's stream, as client-stream.ts of src/replica does:
 * an envelope must name the stream's client, and there is a limit to the sessions a stream may be told of.
 */
import type { ClientId, SessionId } from '../base/index.js';
import { decodeEnvelope } from '../codec/index.js';
import type { ClientMessage } from '../codec/index.js';
import type { ReplicaHost } from './replica-host.js';

/** False: an envelope is no good. `isOpen`: anybody's envelope is taken. */
export function enter(
  host: ReplicaHost,
  node: number,
  client: ClientId,
  message: ClientMessage,
  isOpen: boolean,
): boolean {
  const attach = (session: SessionId): void => {
    if (host.streams.attach(node, session)) host.input({ kind: 'attached', client, session });
  };
  switch (message.kind) {
    case 'attach':
      attach(message.session);
      return true;
    case 'follow': {
      const { session, number, after } = message;
      host.input({ kind: 'follow', stream: host.streams.idOf(node)!, client, session, number, after });
      return true;
    }
    case 'read': {
      const readId = host.streams.read(node, message);
      host.input({ kind: 'read', client, readId, operation: message.operation });
      return true;
    }
    case 'submit': {
      const envelope = decodeEnvelope(message.envelope);
      if (envelope === null) return false;
      const { body } = envelope;
      if (!isOpen && (body.kind === 'rejoin' || body.client !== client)) return false;
      if (body.kind === 'requests') attach(body.session);
      host.input({ kind: 'envelope', envelope });
      return true;
    }
    default:
      return true;
  }
}
