/** A service with registered clients, asked by name: for tests of identities, lists and policies. */
import { createHash } from 'node:crypto';
import { clientId, digest, sessionId, type ClientId, type HashFunction } from '../../src/base/index.js';
import {
  decodeEvent,
  decodeResult,
  encodeOperation,
  type Operation,
  type Result,
  type SpaceConfig,
  type SpaceEvent,
} from '../../src/codec/index.js';
import { createService, type Service, type ServiceOptions } from '../../src/service/index.js';
import { NotedEffects } from './effects.js';

export const sha256: HashFunction = (bytes) => digest(createHash('sha256').update(bytes).digest('hex'));

/** A key for each name. */
export const keyOf = (name: string): ClientId => clientId(sha256(new TextEncoder().encode(name)));

const unbounded = { entries: null, bytes: null, waits: null };
export const openConfig: SpaceConfig = {
  ...{ insert: null, readers: null, takers: null, policy: null, confidential: null },
  ...{ quota: unbounded, clientQuota: unbounded },
};

/** A module as the compiler would hand it over; `rules` are its properties. */
export const policyOf = (rules: string): string =>
  `import { definePolicy, template, any } from 'theodora/policy';\nexport default definePolicy({ ${rules} });\n`;

export type Asked = Operation extends infer O ? (O extends Operation ? Omit<O, 'space'> : never) : never;

export class GuardedService {
  service: Service;
  readonly effects = new NotedEffects();
  readonly #options: ServiceOptions;
  #time = 1_000;
  #lastNumber = 0;

  constructor(names: readonly string[] = ['admin', 'alice', 'bob'], options: Partial<ServiceOptions> = {}) {
    const clients = names.map((name) => ({ name, publicKey: keyOf(name) }));
    this.#options = { hash: sha256, clients, ...options };
    this.service = createService(this.#options);
    this.service.advanceTime(this.#time, this.effects);
  }

  get root(): string {
    return this.service.checkpoint().root;
  }

  /** Null: it waits, under the number `lastNumber`. `isVerified`: what a slow check of it said. */
  ask(client: string, fields: Asked, space = 'default', isVerified = true): Result | null {
    const operation = encodeOperation({ ...fields, space } as Operation);
    const request = { client: keyOf(client), session: sessionId(1), number: ++this.#lastNumber };
    const result = this.service.execute(
      { ...request, operation, time: this.#time, mayWait: true, isVerified },
      this.effects,
    );
    return result === null ? null : decodeResult(result);
  }

  get lastNumber(): number {
    return this.#lastNumber;
  }

  /** As administration has it: of no space. */
  administer(fields: Asked, client = 'admin'): Result | null {
    return this.ask(client, fields, '');
  }

  create(space: string, config: Partial<SpaceConfig> = {}): Result | null {
    return this.ask('admin', { kind: 'spaceCreate', config: { ...openConfig, ...config } }, space);
  }

  /** The answer without ordering. */
  read(client: string, fields: Asked, space = 'default', nowMs = this.#time): Result | null {
    const operation = encodeOperation({ ...fields, space } as Operation);
    const answer = this.service.query(keyOf(client), operation, nowMs);
    return answer === null ? null : decodeResult(answer);
  }

  advanceTime(time: number): void {
    this.#time = time;
    this.service.advanceTime(time, this.effects);
  }

  /** Everything that the client's subscription is told after `after`. */
  told(client: string, number: number, after = 0): SpaceEvent[] | null {
    const limits = { eventsMax: 1_000, bytesMax: 1 << 20 };
    const feed = { client: keyOf(client), session: sessionId(1), number };
    const part = this.service.readFeed(feed, { after, scanned: after }, limits);
    return part?.kind === 'events' ? part.events.map(({ data }) => decodeEvent(data)!) : null;
  }

  /** Goes on from the pages of a checkpoint, as a replica that fetched them. */
  restore(): void {
    const { pages } = this.service.checkpoint();
    this.service = createService(this.#options);
    this.service.restore(pages);
  }
}
