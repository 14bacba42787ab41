import { afterEach, describe, expect, it } from 'vitest';
import { clientId, clientName } from '../../src/base/index.js';
import { decodeResult, encodeOperation, type EnvelopeBody } from '../../src/codec/index.js';
import { signEnvelope } from '../../src/crypto/index.js';
import type { RunningReplica } from '../../src/replica/index.js';
import {
  adminKey,
  makeClusterFiles,
  startCluster,
  tlsMaterial,
  type ClusterFiles,
} from '../support/cluster-files.js';
import { RawClient } from '../support/raw-client.js';

let files: ClusterFiles | null = null;
let replicas: readonly RunningReplica[] = [];
let clients: RawClient[] = [];

afterEach(async () => {
  for (const client of clients) client.close();
  await Promise.all(replicas.map((replica) => replica.close()));
  files?.remove();
  [files, replicas, clients] = [null, [], []];
});

describe('four replicas over gRPC and TLS', () => {
  it('open a session, perform an out, and answer alike', async () => {
    files = await makeClusterFiles();
    const { description } = files;
    replicas = await startCluster(files);
    const key = adminKey(files);
    const admin = clientId(key.publicKey);
    const tls = tlsMaterial(files, 'clients/admin');
    clients = replicas.map(({ address }) => new RawClient(address, tls));
    await Promise.all(clients.map((client, i) => client.hello(description, replicas[i]!.id, key)));
    const submit = (body: EnvelopeBody): void => {
      const { bytes } = signEnvelope(body, key, description.clusterId);
      for (const client of clients) client.send({ kind: 'submit', envelope: bytes });
    };

    submit({ kind: 'open', client: admin, nonce: new Uint8Array(16).fill(7) });
    const opened = await Promise.all(clients.map((client) => client.next('opened')));
    const session = opened[0]!.session;
    expect(session).not.toBe(0);
    expect(opened.map((message) => message.session)).toEqual([session, session, session, session]);

    for (const client of clients) client.send({ kind: 'attach', session });
    const operation = encodeOperation({ kind: 'out', space: 'default', tuple: ['job', 1], lease: null });
    submit({
      kind: 'requests',
      client: admin,
      session,
      firstNumber: 1,
      lowestUnanswered: 1,
      operations: [operation],
      finished: [],
    });
    const replies = await Promise.all(clients.map((client) => client.next('reply')));
    const results = replies.map(({ outcomes }) => {
      const outcome = outcomes[0]!;
      return outcome.kind === 'result' ? decodeResult(outcome.result) : outcome;
    });
    const entry = { id: 1n, tuple: [], owner: clientName('admin'), deadline: null };
    expect(results).toEqual(Array.from({ length: 4 }, () => ({ kind: 'entry', entry })));

    for (const client of clients) client.send({ kind: 'statusRequest', requestId: 5 });
    const states = await Promise.all(clients.map((client) => client.next('statusReply')));
    expect(new Set(states.map((state) => state.stateDigest)).size).toBe(1);
    expect(states.map((state) => state.clientsConnected)).toEqual([1, 1, 1, 1]);
  });
});
