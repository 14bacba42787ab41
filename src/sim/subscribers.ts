/**
 * Clients that subscribe, use what they are told at their own pace, leave, come back where they were or somewhere in the
 * past. What each subscription was told goes to the checker; whether it is true is not theirs to know.
 */
import type { Prng } from '../base/index.js';
import { any, decodeResult } from '../codec/index.js';
import type { Operation, Template } from '../codec/index.js';
import type { ToldFeed } from './checkers/event-streams.js';
import type { ClientHost } from './client-host.js';
import type { HistoryEntry, RequestName } from './history.js';
import type { World } from './world.js';

export interface SubscriberProfile {
  /** Over all clients, at the same time. */
  readonly subscribers: number;
  readonly keys: number;
  readonly timeoutMs: number;
  /** How long an event is in use before the next one. */
  readonly useUsMax: number;
  /** How long one stays before it leaves. */
  readonly stayUsMax: number;
  /** For how long the first one hears nothing, or uses nothing of what it hears, while the others go on; 0: never. */
  readonly absenceUsMax: number;
}

const space = 'default';

/** Between two absences. */
const presenceUsMin = 200_000;
const presenceUsMax = 1_000_000;

export class Subscribers {
  readonly #world: World;
  readonly #random: Prng;
  readonly #profile: SubscriberProfile;
  readonly #all: Subscriber[] = [];

  constructor(world: World, random: Prng, profile: SubscriberProfile) {
    this.#world = world;
    this.#random = random;
    this.#profile = profile;
  }

  start(): void {
    for (let index = 0; index < this.#profile.subscribers; index++) {
      const client = this.#world.clients[index % this.#world.clients.length]!;
      const random = this.#random.stream(`subscriber ${index}`);
      const absenceUsMax = index === 0 ? this.#profile.absenceUsMax : 0;
      const subscriber = new Subscriber(this.#world, client, random, { ...this.#profile, absenceUsMax });
      this.#all.push(subscriber);
      subscriber.start();
    }
  }

  /** Nobody is cut off any more. */
  comeBack(): void {
    for (const subscriber of this.#all) subscriber.comeBack();
  }

  /** Nobody leaves any more, and whoever is away comes back. */
  stay(): void {
    for (const subscriber of this.#all) subscriber.stay();
  }

  /** Everybody is subscribed and has used all that it was told. */
  get isIdle(): boolean {
    return this.#all.every(({ isIdle }) => isIdle);
  }
}

class Subscriber {
  readonly #world: World;
  readonly #client: ClientHost;
  readonly #random: Prng;
  readonly #absences: Prng;
  readonly #profile: SubscriberProfile;
  readonly #template: Template;
  #feed: { readonly id: number; readonly request: RequestName; readonly told: ToldFeed } | null = null;
  #unused: number[] = [];
  #isUsing = false;
  #isStaying = false;
  #mayGoAway = true;
  #isAsking = false;
  /** Of the last event seen, over all subscriptions. */
  #last = 0;

  constructor(world: World, client: ClientHost, random: Prng, profile: SubscriberProfile) {
    this.#world = world;
    this.#client = client;
    this.#random = random;
    this.#absences = random.stream('absences');
    this.#profile = profile;
    const key = `k${random.below(profile.keys)}`;
    const isForAll = random.chance(1, 3) || profile.absenceUsMax > 0;
    this.#template = [isForAll ? any : { kind: 'value', value: key }, any];
  }

  get isIdle(): boolean {
    return this.#feed !== null && this.#unused.length === 0;
  }

  start(): void {
    this.#world.simulator.schedule(this.#random.below(500_000), () => this.#subscribe(null));
    if (this.#profile.absenceUsMax > 0) this.#goAwayLater();
  }

  comeBack(): void {
    this.#mayGoAway = false;
    this.#world.network.comeBack(this.#client.node);
  }

  stay(): void {
    this.#isStaying = true;
    if (this.#feed === null && !this.#isAsking) this.#subscribe(null);
  }

  #subscribe(from: number | null): void {
    const operation: Operation = { kind: 'subscribe', space, template: this.#template, from };
    if (this.#isAsking || this.#feed !== null || this.#client.isOpen(operation)) return this.#later();
    this.#isAsking = true;
    this.#client.call(operation, false, this.#profile.timeoutMs, (entry) => {
      this.#isAsking = false;
      this.#onSubscribed(entry);
    });
  }

  #later(): void {
    this.#world.simulator.schedule(this.#random.between(10_000, 1_000_000), () => {
      if (this.#feed !== null || this.#isAsking) return;
      const past = this.#random.between(1, this.#last + 2);
      this.#subscribe(this.#random.pick([null, this.#last + 1, past]));
    });
  }

  #onSubscribed({ outcome, requests }: HistoryEntry): void {
    const result = outcome?.kind === 'result' ? decodeResult(outcome.result) : null;
    const request = requests.at(-1);
    if (result?.kind !== 'subscribed' || request === undefined) return this.#later();
    const { from } = result;
    const told: ToldFeed = {
      client: this.#client.node,
      request,
      template: this.#template,
      from,
      told: [],
      isOpen: true,
      truncatedAfter: null,
    };
    this.#world.history.feeds.push(told);
    let isEnded = false;
    const id = this.#client.follow(request, from - 1, {
      event: (sequence, data) => this.#onEvent(told, sequence, data),
      ended: (after, cause) => {
        isEnded = true;
        if (cause === 'truncated') told.truncatedAfter = after;
        this.#onEnded(told, after);
      },
    });
    if (isEnded) return;
    this.#feed = { id, request, told };
    if (this.#isStaying || this.#random.chance(1, 3) || this.#profile.absenceUsMax > 0) return;
    const feed = this.#feed;
    this.#world.simulator.schedule(this.#random.below(this.#profile.stayUsMax), () => {
      if (this.#feed === feed && !this.#isStaying) this.#leave();
    });
  }

  #onEvent(told: ToldFeed, sequence: number, data: Uint8Array): void {
    told.told.push({ sequence, data });
    this.#last = Math.max(this.#last, sequence);
    this.#unused.push(sequence);
    this.#use();
  }

  #use(): void {
    if (this.#isUsing || this.#unused.length === 0) return;
    this.#isUsing = true;
    // Whoever stays is in a hurry: the run is about to end.
    const useUs = this.#isStaying ? 1_000 : this.#useUs();
    this.#world.simulator.schedule(useUs, () => {
      this.#isUsing = false;
      const sequence = this.#unused.shift();
      if (sequence !== undefined && this.#feed !== null) this.#client.consumed(this.#feed.id, sequence);
      this.#use();
    });
  }

  #useUs(): number {
    const { useUsMax, absenceUsMax } = this.#profile;
    const isStuck = absenceUsMax > 0 && this.#absences.chance(1, 16);
    return isStuck ? this.#absenceUs() : this.#random.below(useUsMax + 1);
  }

  /** Off the network for a while, in which the space's history goes on. */
  #goAwayLater(): void {
    const { network, simulator } = this.#world;
    simulator.schedule(this.#absences.between(presenceUsMin, presenceUsMax), () => {
      if (!this.#mayGoAway) return;
      network.goAway(this.#client.node);
      simulator.schedule(this.#absenceUs(), () => {
        network.comeBack(this.#client.node);
        this.#goAwayLater();
      });
    });
  }

  #absenceUs(): number {
    const { absenceUsMax } = this.#profile;
    return this.#absences.between(absenceUsMax / 2, absenceUsMax);
  }

  #onEnded(told: ToldFeed, after: number): void {
    told.isOpen = false;
    this.#feed = null;
    this.#unused = [];
    this.#last = after;
    this.#later();
  }

  #leave(): void {
    const { id, request, told } = this.#feed!;
    told.isOpen = false;
    this.#feed = null;
    this.#unused = [];
    this.#client.unfollow(id);
    const cancel: Operation = { kind: 'cancel', space, ...request };
    this.#client.call(cancel, false, this.#profile.timeoutMs, () => this.#later());
  }
}
