/**
 * etcd's gRPC v3 service KV, as far as a load needs it (etcdserverpb/rpc.proto and mvccpb/kv.proto of etcd 3.4). Fields
 * that nobody looks at are left out: decoders skip what they do not know.
 */
import protobuf from 'protobufjs';

const proto = `
syntax = "proto3";
message KeyValue { bytes key = 1; bytes value = 5; }
message RangeRequest { bytes key = 1; bool serializable = 7; }
message RangeResponse { repeated KeyValue kvs = 2; }
message PutRequest { bytes key = 1; bytes value = 2; }
message PutResponse {}
`;

export interface RangeRequest {
  readonly key: Uint8Array;
  /** The server asked answers from what it has; otherwise the read is linearizable. */
  readonly serializable: boolean;
}

export interface RangeResponse {
  readonly kvs: readonly { readonly key: Uint8Array; readonly value: Uint8Array }[];
}

export interface PutRequest {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export type PutResponse = Readonly<Record<string, never>>;

export interface Codec<T> {
  encode(message: T): Buffer;
  decode(bytes: Uint8Array): T;
}

const { root } = protobuf.parse(proto);

function codecOf<T extends object>(name: string): Codec<T> {
  const type = root.lookupType(name);
  return {
    encode: (message) => Buffer.from(type.encode(message as Record<string, unknown>).finish()),
    decode: (bytes) => type.decode(bytes) as unknown as T,
  };
}

export const rangeRequest = codecOf<RangeRequest>('RangeRequest');
export const rangeResponse = codecOf<RangeResponse>('RangeResponse');
export const putRequest = codecOf<PutRequest>('PutRequest');
export const putResponse = codecOf<PutResponse>('PutResponse');

const method = <Request, Response>(path: string, request: Codec<Request>, response: Codec<Response>) =>
  ({
    path,
    requestStream: false,
    responseStream: false,
    requestSerialize: request.encode,
    requestDeserialize: request.decode,
    responseSerialize: response.encode,
    responseDeserialize: response.decode,
  }) as const;

export const kvMethods = {
  range: method('/etcdserverpb.KV/Range', rangeRequest, rangeResponse),
  put: method('/etcdserverpb.KV/Put', putRequest, putResponse),
} as const;
