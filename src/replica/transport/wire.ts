/**
 * The two gRPC methods and the options of their channels. Messages are raw bytes: the frames of `codec`,
 * whose own decoders bound every length (pitfall 15).
 */
import type { ChannelOptions, ServiceDefinition } from '@grpc/grpc-js';
import { frameBytesMax } from '../../codec/index.js';

export const peerLinkPath = '/theodora.Peer/Link';
export const clientSessionPath = '/theodora.Client/Session';

/** A view of the same memory, as gRPC wants it. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export const sameBuffer = (bytes: Buffer): Buffer => bytes;

function streaming(path: string): ServiceDefinition[string] {
  return {
    path,
    requestStream: true,
    responseStream: true,
    requestSerialize: sameBuffer,
    requestDeserialize: sameBuffer,
    responseSerialize: sameBuffer,
    responseDeserialize: sameBuffer,
  };
}

export const peerService: ServiceDefinition = { link: streaming(peerLinkPath) };
export const clientService: ServiceDefinition = { session: streaming(clientSessionPath) };

const commonOptions: ChannelOptions = {
  'grpc.max_send_message_length': frameBytesMax,
  'grpc.max_receive_message_length': frameBytesMax,
  'grpc.enable_channelz': 0,
  // A dead or frozen other side is noticed within ten seconds.
  'grpc.keepalive_time_ms': 5_000,
  'grpc.keepalive_timeout_ms': 5_000,
};

export const serverOptions: ChannelOptions = {
  ...commonOptions,
  'grpc.max_concurrent_streams': 64,
  'grpc.max_connection_idle_ms': 60_000,
};

export const peerChannelOptions: ChannelOptions = {
  ...commonOptions,
  'grpc.keepalive_permit_without_calls': 1,
  // Retrying and waiting are the link's own business; a proxy between replicas would break the pins.
  'grpc.enable_retries': 0,
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.initial_reconnect_backoff_ms': 50,
  'grpc.max_reconnect_backoff_ms': 2_000,
};
