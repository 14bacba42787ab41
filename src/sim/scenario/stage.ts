/** What a running scenario knows: the world, its rules, and names for calls, envelopes and batches. */
import { digest as asDigest, equalBytes } from '../../base/index.js';
import type { Digest, ReplicaId } from '../../base/index.js';
import { decodeBatch, decodeResult, encodeBatch, nullBatch } from '../../codec/index.js';
import type { CheckpointCertificate, Envelope, PeerMessage, Template } from '../../codec/index.js';
import { sha256 } from '../authenticator.js';
import type { ToldFeed } from '../checkers/event-streams.js';
import { epochMs } from '../clock.js';
import type { HistoryEntry } from '../history.js';
import type { ClientHost } from '../client-host.js';
import { LockHolder } from '../locks.js';
import type { World } from '../world.js';
import { Rules } from './rules.js';
import { refuseScript } from './script.js';

export interface NamedBatch {
  readonly bytes: Uint8Array;
  readonly digest: Digest;
}

export class Stage {
  readonly world: World;
  readonly rules: Rules;
  /** Replicas whose own outputs go nowhere: only what the scenario injects leaves them. */
  readonly puppets: Set<ReplicaId>;
  readonly notices: { readonly replica: ReplicaId; readonly text: string }[] = [];
  readonly #holders = new Map<ClientHost, LockHolder>();
  readonly #feeds = new Map<string, ToldFeed>();
  readonly #batches = new Map<string, NamedBatch>();
  /** Envelopes that clients sent, by client node, oldest first. */
  readonly #envelopes = new Map<number, Envelope[]>();
  /** Checkpoint certificates seen on links, by sequence number. */
  readonly #certificates = new Map<number, CheckpointCertificate>();

  constructor(world: World, puppets: Set<ReplicaId>) {
    this.world = world;
    this.puppets = puppets;
    this.rules = new Rules(world);
    this.#batches.set('null', { bytes: nullBatch, digest: sha256(nullBatch) });
    world.onEnvelope = (node, envelope) => this.#noteEnvelope(node, envelope);
    const filter = world.filter;
    world.filter = (packet) => {
      if ('kind' in packet.message) this.#noteCertificate(packet.message as PeerMessage);
      return filter?.(packet) ?? false;
    };
    world.onNoticed = (replica, text) => this.notices.push({ replica, text });
  }

  /** Call k of client m, written `cm#k`. */
  call(name: string, line: number): HistoryEntry {
    const match = /^c(\d+)#(\d+)$/.exec(name);
    if (match === null) refuseScript(line, `${name} is not a call`);
    const node = this.world.n + Number(match[1]) - 1;
    const entry = this.world.history.entries.find(
      ({ client, index }) => client === node && index === Number(match[2]),
    );
    return entry ?? refuseScript(line, `${name} was not made`);
  }

  /** Follows what the call subscribed to, and lets it be known by this name. */
  follow(
    name: string,
    client: ClientHost,
    template: Template,
    entry: HistoryEntry,
    isStalled: boolean,
  ): void {
    const { outcome, requests } = entry;
    const result = outcome?.kind === 'result' ? decodeResult(outcome.result) : null;
    const request = requests.at(-1);
    if (result?.kind !== 'subscribed' || request === undefined) return;
    const told: ToldFeed = {
      client: client.node,
      request,
      template,
      from: result.from,
      told: [],
      isOpen: !isStalled,
      truncatedAfter: null,
    };
    this.#feeds.set(name, told);
    this.world.history.feeds.push(told);
    const feedId: number = client.follow(request, result.from - 1, {
      event: (sequence, data) => {
        told.told.push({ sequence, data });
        if (!isStalled) client.consumed(feedId, sequence);
      },
      ended: (after, cause) => {
        told.isOpen = false;
        if (cause === 'truncated') told.truncatedAfter = after;
      },
    });
  }

  feed(name: string, line: number): ToldFeed {
    return this.#feeds.get(name) ?? refuseScript(line, `${name} is not subscribed`);
  }

  /** What this client holds; one lock at a time. */
  holder(client: ClientHost): LockHolder {
    let holder = this.#holders.get(client);
    if (holder === undefined) this.#holders.set(client, (holder = new LockHolder(client, this.world)));
    return holder;
  }

  /** `c1#2`: the envelope that carried that call; `c1.open`: the client's last OPEN. */
  envelope(name: string, line: number): Envelope {
    const open = /^c(\d+)\.open$/.exec(name);
    if (open !== null) {
      const sent = this.#envelopes.get(this.world.n + Number(open[1]) - 1) ?? [];
      const found = sent.findLast(({ body }) => body.kind === 'open');
      return found ?? refuseScript(line, `${name} was not sent`);
    }
    const { client, requests } = this.call(name, line);
    const request = requests.at(-1) ?? refuseScript(line, `${name} was not sent in an envelope`);
    const found = (this.#envelopes.get(client) ?? []).find(({ body }) => {
      if (body.kind !== 'requests' || body.session !== request.session) return false;
      return request.number >= body.firstNumber && request.number < body.firstNumber + body.operations.length;
    });
    return found ?? refuseScript(line, `${name} was not sent in an envelope`);
  }

  /** True time, as an exact clock shows it. */
  get nowMs(): number {
    return epochMs + this.world.simulator.nowMs;
  }

  batchTimeMs(name: string, line: number): number {
    return decodeBatch(this.batch(name, line).bytes)?.time ?? refuseScript(line, `${name} has no time`);
  }

  /** Names a batch of this time, ms since the epoch. */
  defineBatch(name: string, time: number, envelopes: readonly string[], line: number): void {
    const bytes = encodeBatch({
      time,
      envelopes: envelopes.map((envelope) => this.envelope(envelope, line).bytes),
    });
    this.#batches.set(name, { bytes, digest: sha256(bytes) });
  }

  batch(name: string, line: number): NamedBatch {
    return this.#batches.get(name) ?? refuseScript(line, `there is no batch ${name}`);
  }

  /** Names the batch that was delivered at a sequence number, or that a captured PRE-PREPARE carries. */
  nameBatch(name: string, bytes: Uint8Array): void {
    this.#batches.set(name, { bytes, digest: sha256(bytes) });
  }

  certificate(sequenceNumber: number, line: number): CheckpointCertificate {
    const known = this.#certificates.get(sequenceNumber);
    return known ?? refuseScript(line, `no certificate of checkpoint ${sequenceNumber} was seen`);
  }

  noteGenesis(stateDigest: Digest): void {
    const sequenceNumber = 0 as CheckpointCertificate['sequenceNumber'];
    this.#certificates.set(0, { sequenceNumber, stateDigest: asDigest(stateDigest), signatures: [] });
  }

  #noteEnvelope(node: number, envelope: Envelope): void {
    const sent = this.#envelopes.get(node) ?? [];
    this.#envelopes.set(node, sent);
    if (!sent.some(({ bytes }) => equalBytes(bytes, envelope.bytes))) sent.push(envelope);
  }

  #noteCertificate(message: PeerMessage): void {
    const certificate =
      message.kind === 'stableCheckpoint'
        ? message.certificate
        : message.kind === 'viewChange'
          ? message.checkpoint
          : null;
    if (certificate !== null) this.#certificates.set(certificate.sequenceNumber, certificate);
  }
}
