/**
 * Random clients in spaces with guards, beside the workload of the plain space: everybody operates, waits and subscribes
 * while the admin changes what is allowed and who is a client. What was asked and answered is in the world's history;
 * whether it was right is the checkers' business.
 */
import { clientName } from '../../base/index.js';
import type { ClientName, Prng } from '../../base/index.js';
import { decodeResult } from '../../codec/index.js';
import type { Operation, Template } from '../../codec/index.js';
import type { ToldFeed } from '../checkers/event-streams.js';
import type { ClientHost } from '../client-host.js';
import type { HistoryEntry, RequestName } from '../history.js';
import type { World } from '../world.js';
import { Administrator } from './administrator.js';
import { drawGuarded, drawMatch } from './operations.js';
import type { Drawing } from './operations.js';

export interface GuardedProfile {
  /** Over all clients, those of the admin included. */
  readonly operations: number;
  readonly spaces: number;
  readonly thinkUsMax: number;
  readonly adminThinkUsMax: number;
  readonly timeoutMs: number;
  readonly fastReadPercent: number;
  readonly leaseMsMin: number;
  readonly leaseMsMax: number;
  readonly waitMsMax: number;
}

interface Actor {
  readonly name: ClientName;
  readonly host: ClientHost;
  readonly random: Prng;
}

export class GuardedWorkload {
  readonly #world: World;
  readonly #profile: GuardedProfile;
  readonly #random: Prng;
  readonly #spaces: readonly string[];
  readonly #actors: readonly Actor[];
  readonly #administrator: Administrator;
  #issued = 0;
  /** Calls that have no answer yet, and whose they are. */
  readonly #open = new Map<HistoryEntry, ClientHost>();
  #isStopped = false;

  /** The world has an admin. */
  constructor(world: World, random: Prng, profile: GuardedProfile) {
    this.#world = world;
    this.#profile = profile;
    this.#random = random;
    this.#spaces = Array.from({ length: profile.spaces }, (_, index) => `s${index}`);
    const actors = (hosts: readonly ClientHost[], letter: string): Actor[] =>
      hosts.map((host, index) => {
        const name = clientName(`${letter}${index}`);
        return { name, host, random: random.stream(name) };
      });
    const guests = actors(world.guests, 'g');
    this.#actors = [...actors(world.clients, 'c'), ...guests];
    const names = world.registered!.map(({ name }) => clientName(name));
    const byName = new Map(guests.map(({ name, host }) => [name, host]));
    this.#administrator = new Administrator(random.stream('admin'), this.#spaces, names, byName);
  }

  /** Nothing is open any more but for clients that are none; after `stop` nothing follows. */
  get isIdle(): boolean {
    return [...this.#open.values()].every((host) => !this.#world.isAdmitted(host));
  }

  start(): void {
    this.#administer();
  }

  stop(): void {
    this.#isStopped = true;
  }

  get #isOver(): boolean {
    return this.#isStopped || this.#issued >= this.#profile.operations;
  }

  /** Everybody begins once there are spaces. */
  #administer(created = 0): void {
    const { adminThinkUsMax, spaces } = this.#profile;
    const thinkUs = created < spaces ? 0 : this.#random.below(adminThinkUsMax + 1);
    this.#world.simulator.schedule(thinkUs, () => {
      if (this.#isOver) return;
      this.#call(this.#world.admin!, this.#administrator.draw(), (entry) => {
        this.#administrator.ended(entry);
        this.#administer(created + 1);
        if (created + 1 === spaces) for (const actor of this.#actors) this.#rest(actor);
      });
    });
  }

  #rest(actor: Actor): void {
    const delayUs = 50_000 + actor.random.below(this.#profile.thinkUsMax + 1);
    this.#world.simulator.schedule(delayUs, () => {
      if (!this.#isOver) this.#act(actor);
    });
  }

  #act(actor: Actor): void {
    const { host, random } = actor;
    const operation = this.#draw(actor);
    if (host.isOpen(operation)) return this.#rest(actor);
    const entry = this.#call(host, operation, (done) => {
      if (operation.kind === 'subscribe') this.#follow(actor, operation.template, done);
      if (!isWait(operation)) this.#rest(actor);
    });
    if (!isWait(operation)) return;
    // Whoever waits does something else meanwhile.
    this.#rest(actor);
    if (random.chance(1, 2)) this.#meet(operation.space, operation.template);
    if (operation.timeout === null || random.chance(1, 4)) this.#cancelLater(actor, entry);
  }

  /** Somebody inserts what another waits for, perhaps not for that one. */
  #meet(space: string, template: Template): void {
    const { host, name, random } = this.#random.pick(this.#actors);
    this.#world.simulator.schedule(random.between(1_000, 400_000), () => {
      const operation = drawMatch(random, this.#drawing(space, name), template);
      if (!this.#isOver && !host.isOpen(operation)) this.#call(host, operation, () => undefined);
    });
  }

  #draw(actor: Actor): Operation {
    const { random, name } = actor;
    if (random.chance(1, 30)) return this.#foreign(random);
    const space = random.chance(1, 40) ? random.pick(['nowhere', 'default']) : random.pick(this.#spaces);
    return drawGuarded(random, this.#drawing(space, name), this.#administrator.readyOf(space));
  }

  #drawing(space: string, name: ClientName): Drawing {
    const { leaseMsMin, leaseMsMax, waitMsMax } = this.#profile;
    return { space, name, names: this.#administrator.names, leaseMsMin, leaseMsMax, waitMsMax };
  }

  /** What is for everybody, or for the admin alone. */
  #foreign(random: Prng): Operation {
    const space = random.pick(this.#spaces);
    return random.pick<Operation>([
      { kind: 'spaceShow', space },
      { kind: 'spaceList', space: '' },
      { kind: 'clientList', space: '' },
      { kind: 'spaceSetPolicy', space, policy: null },
      { kind: 'spaceDelete', space },
      { kind: 'clientRevoke', space: '', name: 'g0' },
    ]);
  }

  #call(host: ClientHost, operation: Operation, onDone: (entry: HistoryEntry) => void): HistoryEntry {
    const isRead = operation.kind === 'rdp' || operation.kind === 'rdAll' || operation.kind === 'count';
    const isFast = isRead && this.#random.chance(this.#profile.fastReadPercent, 100);
    this.#issued++;
    const call = host.call(operation, isFast, this.#profile.timeoutMs, (entry) => {
      this.#open.delete(entry);
      onDone(entry);
    });
    if (call.outcome === null) this.#open.set(call, host);
    return call;
  }

  #cancelLater(actor: Actor, entry: HistoryEntry): void {
    this.#world.simulator.schedule(actor.random.between(1_000, 2_000_000), () => {
      const isLost = this.#isStopped && !this.#world.isAdmitted(actor.host);
      if (entry.outcome !== null || isLost) return;
      if (
        entry.waitsAs === null ||
        !this.#cancel(actor, entry.waitsAs, () => this.#cancelLater(actor, entry))
      )
        this.#cancelLater(actor, entry);
    });
  }

  /** False: it is being cancelled. */
  #cancel({ host }: Actor, request: RequestName, onDone: () => void): boolean {
    const cancel: Operation = { kind: 'cancel', space: this.#spaces[0]!, ...request };
    if (host.isOpen(cancel)) return false;
    this.#call(host, cancel, onDone);
    return true;
  }

  #follow(actor: Actor, template: Template, { outcome, requests }: HistoryEntry): void {
    const { host, random } = actor;
    const result = outcome?.kind === 'result' ? decodeResult(outcome.result) : null;
    const request = requests.at(-1);
    if (result?.kind !== 'subscribed' || request === undefined) return;
    const { from } = result;
    const state = { told: [], isOpen: true, truncatedAfter: null };
    const told: ToldFeed = { client: host.node, request, template, from, ...state };
    this.#world.history.feeds.push(told);
    const feed = host.follow(request, from - 1, {
      event: (sequence, data) => {
        told.told.push({ sequence, data });
        // Not within the step that told it.
        this.#world.simulator.schedule(1, () => {
          if (told.isOpen) host.consumed(feed, sequence);
        });
      },
      ended: (after, cause) => {
        told.isOpen = false;
        if (cause === 'truncated') told.truncatedAfter = after;
      },
    });
    if (!random.chance(1, 3)) return;
    this.#world.simulator.schedule(random.below(3_000_000), () => {
      if (!told.isOpen || this.#isStopped) return;
      told.isOpen = false;
      host.unfollow(feed);
      this.#cancel(actor, request, () => undefined);
    });
  }
}

const isWait = (operation: Operation): operation is Extract<Operation, { readonly kind: 'rd' | 'in' }> =>
  operation.kind === 'rd' || operation.kind === 'in';
