/**
 * Opens a Peer/Link stream to another replica over mutual TLS. Whom we have reached is decided by the pin of
 * its TLS key alone: any holder of a certificate of the cluster's CA passes the chain check, so the CA and the
 * host name prove nothing about which replica it is.
 */
import { createSecureContext, type PeerCertificate, type SecureContext } from 'node:tls';
import { Client, credentials, type ChannelCredentials, type ClientDuplexStream } from '@grpc/grpc-js';
import type { VerifyOptions } from '@grpc/grpc-js';
import { spkiFingerprint } from '../../crypto/index.js';
import type { Dial, DialEvents, DialledStream } from './peer-link.js';
import { asBuffer, peerChannelOptions, peerLinkPath, sameBuffer } from './wire.js';

export interface DialTarget {
  /** Where to dial now; null if not known yet. Asked at every attempt. */
  address(): string | null;
  /** SHA-256 of the SPKI, 64 hexadecimal characters. */
  readonly fingerprint: string;
  /** Sent as the TLS server name. */
  readonly serverName: string;
}

export interface TlsMaterial {
  /** All PEM. */
  readonly certificateAuthority: string;
  readonly key: string;
  readonly certificate: string;
}

export function createPeerContext({ certificateAuthority, key, certificate }: TlsMaterial): SecureContext {
  return createSecureContext({ ca: certificateAuthority, key, cert: certificate, minVersion: 'TLSv1.3' });
}

/** Accepts exactly the holder of the pinned key; the chain and the dates TLS has checked already. */
export function checkPin(fingerprint: string): NonNullable<VerifyOptions['checkServerIdentity']> {
  return (_host: string, certificate: PeerCertificate): Error | undefined => {
    if (spkiFingerprint(certificate.raw) === fingerprint) return undefined;
    return new Error('the TLS key of this replica is not the one pinned in the cluster file');
  };
}

/** How long the other side may take to confirm the end of a stream, ms. */
const endGraceMs = 500;

type RawStream = ClientDuplexStream<Buffer, Buffer>;

export function createDial(target: DialTarget, context: SecureContext): Dial {
  const channelCredentials = credentials.createFromSecureContext(context, {
    checkServerIdentity: checkPin(target.fingerprint),
  });
  return (events) => {
    const address = target.address();
    if (address === null) return unreachable(events, 'address not known yet');
    return open(address, channelCredentials, target.serverName, events);
  };
}

function unreachable(events: DialEvents, reason: string): DialledStream {
  setImmediate(() => events.down(reason));
  return { end: () => undefined, cancel: () => undefined };
}

/** A channel of its own per attempt: gRPC's reconnecting and backoff never interfere with the link's. */
function open(
  address: string,
  channelCredentials: ChannelCredentials,
  serverName: string,
  events: DialEvents,
): DialledStream {
  const client = new Client(address, channelCredentials, {
    ...peerChannelOptions,
    'grpc.ssl_target_name_override': serverName,
  });
  const stream: RawStream = client.makeBidiStreamRequest(peerLinkPath, sameBuffer, sameBuffer);
  let giveUp: NodeJS.Timeout | undefined;
  // Each end of a stream comes as a status; 'error' repeats it and must have a listener.
  stream.on('error', () => undefined);
  stream.on('status', ({ details }: { details: string }) => {
    clearTimeout(giveUp);
    client.close();
    events.down(details);
  });
  stream.on('metadata', () => events.up((frame, done) => stream.write(asBuffer(frame), done)));
  // Nothing is expected on this direction; it is read so that the end is seen.
  stream.resume();
  return {
    end: () => {
      stream.end();
      giveUp = setTimeout(() => stream.cancel(), endGraceMs);
      giveUp.unref();
    },
    cancel: () => stream.cancel(),
  };
}
