/**
 * Opens one gRPC stream to one replica over mutual TLS 1.3. The replica is whoever holds the key that the
 * cluster file pins: every certificate of the cluster's CA passes the chain check, so the CA and a host name
 * prove nothing about which replica it is. Knows nothing of what the frames mean.
 */
import { createSecureContext, type PeerCertificate, type SecureContext } from 'node:tls';
import { Client, credentials, type ChannelOptions, type ClientDuplexStream } from '@grpc/grpc-js';
import { frameBytesMax } from '../codec/index.js';
import { replicaServerName, spkiFingerprint } from '../crypto/index.js';
import type { ClusterDescription, ReplicaDescription } from '../crypto/index.js';

export interface StreamEvents {
  frame(bytes: Uint8Array): void;
  /** The stream takes frames again after `write` returned false. */
  drained(): void;
  /** Called once; nothing follows. */
  down(reason: string): void;
}

export interface Stream {
  /** False: write no more until `drained`. */
  write(frame: Uint8Array): boolean;
  /** Lets go of everything at once. */
  cancel(): void;
}

export type Dial = (replica: ReplicaDescription, events: StreamEvents) => Stream;

export interface TlsMaterial {
  /** Both PEM. */
  readonly tlsKey: string;
  readonly tlsCertificate: string;
}

const sessionPath = '/theodora.Client/Session';

const channelOptions: ChannelOptions = {
  'grpc.max_send_message_length': frameBytesMax,
  'grpc.max_receive_message_length': frameBytesMax,
  'grpc.enable_channelz': 0,
  // A dead or frozen replica is noticed within ten seconds; until then the others answer.
  'grpc.keepalive_time_ms': 5_000,
  'grpc.keepalive_timeout_ms': 5_000,
  // Reconnecting is the link's business; a proxy would break the pin.
  'grpc.enable_retries': 0,
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc.use_local_subchannel_pool': 1,
  'grpc-node.flow_control_window': frameBytesMax,
};

const wrongKey = 'its certificate is not the one pinned in the cluster file';

function checkPin(fingerprint: string): (host: string, certificate: PeerCertificate) => Error | undefined {
  return (_host, certificate) =>
    spkiFingerprint(certificate.raw) === fingerprint ? undefined : new Error(wrongKey);
}

const sameBuffer = (bytes: Buffer): Buffer => bytes;

/** What a user can do something about, out of gRPC's words. */
export function explain(details: string): string {
  if (details.includes(wrongKey)) return `certificate refused: ${wrongKey}`;
  if (/ECONNREFUSED/.test(details)) return 'connection refused';
  if (/ENOTFOUND|EAI_AGAIN|Name resolution failed/.test(details)) return 'its host name is unknown';
  if (/EHOSTUNREACH|ENETUNREACH/.test(details)) return 'its host is unreachable';
  if (/ETIMEDOUT/.test(details)) return 'connecting timed out';
  if (/alert/i.test(details)) return "it refused this client's certificate";
  if (/certificate|self.signed|CERT_|unable to (get|verify)/i.test(details)) {
    return `certificate refused: ${details.replace(/^.*Last error: (Error: )?|\.? Resolution note:.*$/g, '')}`;
  }
  if (/ECONNRESET|Connection dropped|socket hang up|EPIPE/.test(details)) return 'connection lost';
  return details === '' ? 'it ended the stream' : details;
}

/** A channel of its own per attempt, so that gRPC's reconnecting never interferes with the link's. */
export function createDial(cluster: ClusterDescription, { tlsKey, tlsCertificate }: TlsMaterial): Dial {
  const context: SecureContext = createSecureContext({
    ca: cluster.certificateAuthority,
    key: tlsKey,
    cert: tlsCertificate,
    minVersion: 'TLSv1.3',
  });
  return (replica, events) => {
    const checkServerIdentity = checkPin(replica.tlsFingerprint);
    const client = new Client(
      replica.address,
      credentials.createFromSecureContext(context, { checkServerIdentity }),
      {
        ...channelOptions,
        'grpc.ssl_target_name_override': replicaServerName(replica.id, cluster.clusterId),
      },
    );
    const stream: ClientDuplexStream<Buffer, Buffer> = client.makeBidiStreamRequest(
      sessionPath,
      sameBuffer,
      sameBuffer,
    );
    stream.on('data', (frame: Buffer) => events.frame(frame));
    stream.on('drain', () => events.drained());
    // Each end of a stream comes as a status; 'error' repeats it and must have a listener.
    stream.on('error', () => undefined);
    stream.on('status', ({ details }: { details: string }) => {
      client.close();
      events.down(explain(details));
    });
    return {
      write: (frame) => stream.write(Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength)),
      cancel: () => {
        stream.cancel();
        client.close();
      },
    };
  };
}
