import { expect, test } from 'vitest';
import { prng } from '../../../src/base/index.js';
import {
  encodeCheckpointBody,
  encodeNewViewBody,
  encodeViewChangeBody,
  type PeerMessage,
} from '../../../src/codec/index.js';
import { addEnvelope, alice, bob, Lockstep, openEnvelope, signAs } from '../../support/lockstep.js';
import { digestOf, nullDigest, batchOf, rejoinEnvelope } from '../../support/messages.js';

const from = Number(process.env['FROM'] ?? 1),
  to = Number(process.env['TO'] ?? 20);
const mode = process.env['FMODE'] ?? 'byz';
const N = Number(process.env['N'] ?? 4);

function run(seed: number) {
  const r = prng(seed);
  const cluster = new Lockstep(N, {
    checkpointInterval: 8,
    watermarkWindow: 16,
    batchOperationsMax: 4,
    windowBatches: 4,
  });
  const byz = mode === 'byz' ? N - 1 : -1;
  const seen: PeerMessage[] = [];
  const digests = [nullDigest, digestOf('x')];
  let loss = r.below(30),
    delay = r.below(30),
    dup = r.below(10);
  let isFaulty = true;
  const delayed: { at: number; from: number; to: number; message: PeerMessage }[] = [];
  const num = (x: number) =>
    r.chance(1, 2) ? x : Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, x + r.between(0, 6) - 3));
  function mutate(m: any): any {
    const c: any = { ...m };
    if ('view' in c) c.view = r.chance(1, 20) ? Number.MAX_SAFE_INTEGER : num(c.view);
    if ('sequenceNumber' in c)
      c.sequenceNumber = r.chance(1, 20) ? Number.MAX_SAFE_INTEGER - r.below(3) : num(c.sequenceNumber);
    if ('lastExecuted' in c) c.lastExecuted = r.chance(1, 5) ? Number.MAX_SAFE_INTEGER : num(c.lastExecuted);
    if ('stableCheckpoint' in c) c.stableCheckpoint = num(c.stableCheckpoint);
    if ('isActive' in c) c.isActive = r.chance(1, 2);
    if ('isObserver' in c) c.isObserver = r.chance(1, 2);
    if ('digest' in c && r.chance(1, 2)) c.digest = r.pick(digests);
    if (c.kind === 'prePrepare' && r.chance(1, 2))
      c.batch = batchOf(cluster.nowMs, ...(r.chance(1, 2) ? [openEnvelope(bob, r.below(5))] : [])).bytes;
    if (c.kind === 'checkpoint') {
      if (r.chance(1, 2)) c.stateDigest = r.pick(digests);
      c.replica = r.chance(1, 2) ? c.replica : byz;
      c.signature = signAs(byz, 'checkpoint', encodeCheckpointBody(c));
    }
    if (c.kind === 'stableCheckpoint') {
      const cert = { ...c.certificate };
      if (r.chance(1, 2)) cert.signatures = cert.signatures.slice(r.below(4));
      if (r.chance(1, 3)) cert.sequenceNumber = num(cert.sequenceNumber);
      c.certificate = cert;
    }
    if (c.kind === 'viewChange' && r.chance(2, 3)) {
      c.replica = byz;
      const low = c.checkpoint.sequenceNumber;
      const entries = (k: number) => {
        const out: any[] = [];
        for (let s = low + 1; s <= low + 16; s++)
          if (r.chance(k, 10))
            out.push({
              sequenceNumber: s,
              view: r.below(Math.max(1, Math.min(c.view, 20))),
              digest: r.pick(digests),
            });
        return out;
      };
      if (r.chance(1, 2)) c.prepared = entries(4);
      if (r.chance(1, 2)) c.prePrepared = entries(6);
      if (r.chance(1, 10)) c.checkpoint = { ...c.checkpoint, signatures: [] };
      c.body = encodeViewChangeBody(c);
      c.signature = signAs(byz, 'view-change', c.body);
    }
    if (c.kind === 'newView' && r.chance(2, 3)) {
      c.replica = byz;
      if (r.chance(1, 2)) c.view = byz + N * r.below(3);
      if (r.chance(1, 3)) c.viewChanges = c.viewChanges.filter(() => r.chance(3, 4));
      if (r.chance(1, 3))
        c.chosen = c.chosen.map((x: any) => (r.chance(1, 3) ? { ...x, digest: r.pick(digests) } : x));
      c.body = encodeNewViewBody(c);
      c.signature = signAs(byz, 'new-view', c.body);
    }
    if (c.kind === 'stateChunk') {
      c.chunkCount = r.pick([1, 2, 3, 100000]);
      c.chunk = r.below(Math.min(3, c.chunkCount));
    }
    return c;
  }
  cluster.filter = (f) => {
    const m = f.message as any;
    if (seen.length < 3000) seen.push(m);
    else seen[r.below(3000)] = m;
    if (m.digest && digests.length < 200 && !digests.includes(m.digest)) digests.push(m.digest);
    if (!isFaulty) return f.from === byz ? null : m;
    if (r.below(100) < loss) return null;
    if (r.below(100) < dup) cluster.post(f.from, f.to, m);
    if (r.below(100) < delay) {
      delayed.push({ at: cluster.nowMs + r.below(1500), ...f });
      return null;
    }
    if (f.from === byz && r.chance(1, 3)) return mutate(m);
    return m;
  };
  let session = 0;
  let number = 1;
  const down = new Map<number, number>();
  for (let step = 0; step < 150; step++) {
    cluster.tick(r.pick([10, 10, 50, 200]));
    for (let i = delayed.length - 1; i >= 0; i--)
      if (delayed[i]!.at <= cluster.nowMs) {
        const d = delayed.splice(i, 1)[0]!;
        cluster.post(d.from, d.to, d.message);
      }
    if (byz >= 0)
      for (let i = 0; i < 3; i++)
        if (seen.length > 0) cluster.post(byz, r.below(N - 1), mutate(r.pick(seen)));
    if (byz >= 0 && r.chance(1, 30))
      for (let t = 0; t < N - 1; t++)
        cluster.post(byz, t, { kind: 'forward', envelope: rejoinEnvelope(byz, step + 1).bytes });
    cluster.settle();
    if (r.chance(1, 20)) {
      loss = r.below(40);
      delay = r.below(40);
    }
    if (mode === 'crash') {
      if (down.size === 0 && cluster.nodes.every((n) => !n.replica.status().isObserver) && r.chance(1, 15)) {
        const v = r.below(N);
        cluster.node(v).isDown = true;
        down.set(v, step + r.below(20));
      }
      for (const [v, at] of down)
        if (step >= at) {
          down.delete(v);
          cluster.restart(v);
        }
    }
    if (session === 0) {
      cluster.submit(openEnvelope(alice));
      const o = cluster.nodes
        .flatMap((n) => n.outputs)
        .find((x) => x.kind === 'opened' && x.client === alice);
      if (o?.kind === 'opened') session = o.session;
    } else if (r.chance(2, 3)) {
      cluster.submit(
        addEnvelope(alice, session as any, number, [1], Math.max(1, number - 20)),
        r.chance(1, 2) ? [...Array(N).keys()] : [r.below(N)],
      );
      number++;
    }
    for (const n of cluster.nodes)
      n.outputs = n.outputs.filter((o) => o.kind === 'deliver' || o.kind === 'halt' || o.kind === 'opened');
  }
  // heal
  isFaulty = false;
  for (const [v] of down) cluster.restart(v);
  for (const d of delayed) cluster.post(d.from, d.to, d.message);
  const correct = [...Array(N).keys()].filter((i) => i !== byz);
  for (let i = 0; i < 60; i++) {
    for (let k = 1; k < number; k++)
      if (session) cluster.submit(addEnvelope(alice, session as any, k, [1], Math.max(1, k - 20)));
    cluster.tick(500);
    const st = correct.map((i) => cluster.node(i).replica.status());
    if (i > 2 && st.every((s) => !s.isObserver && s.pending === 0 && s.executed === st[0]!.executed)) break;
  }
  cluster.submit(openEnvelope(bob, 77));
  cluster.tick(3000);
  const chains = new Map<number, string>();
  for (const i of correct)
    for (const o of cluster.node(i).outputs)
      if (o.kind === 'deliver') {
        const known = chains.get(o.sequenceNumber);
        if (known !== undefined && known !== o.digest) throw new Error(`DISAGREE at ${o.sequenceNumber}`);
        chains.set(o.sequenceNumber, o.digest);
      }
  const st = correct.map((i) => cluster.node(i).replica.status());
  const halts = cluster.nodes.flatMap((n) => n.outputs.filter((o) => o.kind === 'halt'));
  if (halts.length) throw new Error('halt ' + JSON.stringify(halts));
  if (!st.every((s) => s.executed === st[0]!.executed && s.pending === 0 && !s.isObserver))
    throw new Error(
      'STUCK ' +
        JSON.stringify(
          st.map((s) => [s.view, s.isActive, s.isObserver, s.executed, s.stableCheckpoint, s.pending]),
        ) +
        cluster.nodes.map((n) => {
          const c = (n.replica as any).core;
          return (
            n.id +
            ':' +
            [...c.pool.waiting.values(), ...c.pool.proposed.values()].map((p: any) =>
              JSON.stringify([
                p.envelope.body.kind,
                p.envelope.body.firstNumber,
                p.envelope.body.replica,
                p.envelope.body.startedAt,
                p.arrivedAtMs,
                c.nowMs,
              ]),
            ) +
            JSON.stringify([...c.incarnations.values()])
          );
        }),
    );
  return `${seed} view ${st.map((s) => s.view)} exec ${st[0]!.executed} ops ${number} values ${cluster.values()}`;
}
test('fuzz', () => {
  const bad: string[] = [];
  for (let seed = from; seed <= to; seed++) {
    try {
      const s = run(seed);
      if (process.env['V']) console.log(s);
    } catch (e) {
      bad.push(
        `seed ${seed}: ${(e as Error).message.slice(0, 900)} ${((e as Error).stack ?? '').split('\n').slice(1, 6).join('|')}`,
      );
    }
  }
  console.log(bad.length, 'bad\n' + bad.join('\n'));
  expect(bad.length).toBeGreaterThanOrEqual(0);
}, 10_000_000);
