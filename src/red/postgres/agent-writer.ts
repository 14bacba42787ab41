/**
 * What an agent does while its replica is the writer: it promotes the server, and has commits wait for everybody on record and
 * everybody about to be (SyncRule). A first writer is on record itself before it is promoted: nothing is acknowledged before.
 */
import { SyncRule } from '../sync-rule.js';
import type { Act } from '../member.js';
import type { MemberId } from '../messages.js';
import type { PartContext } from './agent-events.js';
import { endedError } from './ended.js';
import { pause } from './pauses.js';
import type { ServerExit } from './postmaster.js';
import type { Standby } from './replication.js';

/** Between two looks at who receives. */
const lookMs = 200;
const retryMs = 500;
/** A copier that receives nothing for so long is waited for no longer, though its coordinator is alive. */
const absenceMaxMs = 5_000;
/** Who is farther behind would hold up commits if it joined. */
const lagBytesMax = 1_048_576;
const joinTimeoutMs = 3_000;
/** Between two reports of how far behind they are. */
const reportMs = 2_000;

const nobody: ReadonlySet<MemberId> = new Set();

export class Writer {
  readonly #context: PartContext;
  readonly #token: bigint;
  readonly #rule: SyncRule;
  #isPromoted = false;
  /** Whom commits wait for; null: unknown. */
  #inEffect: readonly MemberId[] | null = null;
  /** Since when those on record receive nothing. */
  readonly #absentSinceMs = new Map<MemberId, number>();
  #reportedMs = -Infinity;
  #slots: Promise<void> = Promise.resolve();
  #onRecord = (): void => undefined;

  /** `copied`: once whatever it did as a copier is over. */
  constructor(context: PartContext, act: Extract<Act, { kind: 'write' }>, copied: Promise<void>) {
    this.#context = context;
    this.#token = act.token;
    this.#rule = new SyncRule(context.own, act);
    void this.#run(copied);
  }

  /** Its slot is there before it is told to receive. */
  admit(id: MemberId): void {
    const { give, signal } = this.#context;
    this.#rule.copiers.add(id);
    // It has one with all others, after the promotion.
    if (!this.#isPromoted) give({ kind: 'acknowledge' });
    else
      this.#inTurn(async () => {
        await this.#makeSlot(id);
        if (!signal.aborted) give({ kind: 'acknowledge' });
      });
  }

  forget(id: MemberId): void {
    this.#rule.copiers.delete(id);
    this.#inTurn(async () => {
      const { server, signal, watch } = this.#context;
      if (signal.aborted || !this.#isPromoted || this.#rule.copiers.has(id)) return;
      await server.dismiss(id).catch((error: unknown) => {
        if (!signal.aborted) watch({ kind: 'problem', what: 'dismiss', error });
      });
    });
  }

  synced(ids: readonly MemberId[]): void {
    this.#rule.wasPutOnRecord(ids);
    this.#context.watch({ kind: 'onRecord', ids });
    this.#onRecord();
  }

  async #run(copied: Promise<void>): Promise<void> {
    const { signal, clock, fail, watch } = this.#context;
    try {
      await copied;
      await this.#promote();
    } catch (error) {
      if (!signal.aborted) fail('promote', error);
      return;
    }
    for (const id of this.#rule.copiers) this.#inTurn(() => this.#makeSlot(id));
    while (!signal.aborted) {
      try {
        await this.#tend();
        await pause(clock, lookMs, signal);
      } catch (error) {
        if (signal.aborted) return;
        watch({ kind: 'problem', what: 'tend copiers', error });
        await pause(clock, retryMs, signal);
      }
    }
  }

  async #promote(): Promise<void> {
    const { server, signal, watch } = this.#context;
    const isFirst = !this.#rule.isOpen;
    if (!server.isRunning) {
      // Where somebody is on record, data that are not there are lost, and must not be made anew.
      if (isFirst && !(await server.hasData())) {
        signal.throwIfAborted();
        await server.initialise({ signal });
        watch({ kind: 'data', how: 'initialised' });
      }
      signal.throwIfAborted();
      await server.startAsCopier(null, this.#onExit);
    }
    if (isFirst) await this.#beOnRecord();
    signal.throwIfAborted();
    const required = this.#rule.required;
    await server.promote(this.#token, required);
    this.#inEffect = required;
    this.#isPromoted = true;
    watch({ kind: 'role', role: 'writer', token: this.#token });
  }

  readonly #onExit = (exit: ServerExit): void => {
    if (!exit.isAsked) this.#context.fail('run', endedError(exit));
  };

  #beOnRecord(): Promise<void> {
    return new Promise((resolve) => {
      this.#onRecord = resolve;
      this.#ask();
    });
  }

  #ask(): void {
    const ids = this.#rule.takeWish();
    if (ids !== null) this.#context.give({ kind: 'sync', ids });
  }

  /** One step of the rule: drops whoever is off record, then whoever is to go, then takes in whoever has come. */
  async #tend(): Promise<void> {
    const { server, signal } = this.#context;
    const rule = this.#rule;
    if (this.#inEffect === null || !isSame(this.#inEffect, rule.required)) await this.#require();
    signal.throwIfAborted();
    const standbys = (await server.standbys()).filter(({ state }) => state === 'streaming');
    signal.throwIfAborted();
    this.#report(standbys);
    if (rule.wants(nobody, this.#lost(standbys))) {
      this.#ask();
      return;
    }
    const joining = standbys.flatMap(({ id, lagBytes }) => {
      const isNear = lagBytes !== null && lagBytes <= lagBytesMax;
      return id !== null && isNear && rule.copiers.has(id) && !rule.onRecord.includes(id) ? [id] : [];
    });
    if (joining.length > 0 && rule.wants(new Set(joining))) await this.#takeIn(joining);
  }

  #report(standbys: readonly Standby[]): void {
    const { clock, give } = this.#context;
    if (clock.nowMs() - this.#reportedMs < reportMs) return;
    this.#reportedMs = clock.nowMs();
    // One that has come again may be there twice for a while.
    const lags = new Map<MemberId, number>();
    for (const { id, lagBytes } of standbys)
      if (id !== null && lagBytes !== null && this.#rule.copiers.has(id)) lags.set(id, lagBytes);
    give({ kind: 'lag', lags: [...lags].map(([id, bytes]) => ({ id, bytes })) });
  }

  async #require(): Promise<void> {
    const { required } = this.#rule;
    this.#inEffect = null;
    await this.#context.server.setSynchronous(required);
    this.#inEffect = required;
  }

  /** Commits wait for them first; once they have all that was acknowledged before, they are put on record. */
  async #takeIn(ids: readonly MemberId[]): Promise<void> {
    const { server, signal } = this.#context;
    try {
      await this.#require();
      signal.throwIfAborted();
      const lsn = await server.currentLsn();
      for (const id of ids) {
        signal.throwIfAborted();
        await server.waitForStandby(id, lsn, joinTimeoutMs);
      }
      signal.throwIfAborted();
    } catch (error) {
      this.#rule.withdraw();
      throw error;
    }
    this.#ask();
  }

  #lost(standbys: readonly Standby[]): ReadonlySet<MemberId> {
    const nowMs = this.#context.clock.nowMs();
    const lost = new Set<MemberId>();
    const there = new Set(standbys.map(({ id }) => id));
    for (const id of this.#rule.onRecord) {
      if (id === this.#context.own || there.has(id)) {
        this.#absentSinceMs.delete(id);
        continue;
      }
      const sinceMs = this.#absentSinceMs.get(id) ?? nowMs;
      this.#absentSinceMs.set(id, sinceMs);
      if (nowMs - sinceMs >= absenceMaxMs) lost.add(id);
    }
    return lost;
  }

  async #makeSlot(id: MemberId): Promise<void> {
    const { server, signal, clock, watch } = this.#context;
    while (!signal.aborted && this.#rule.copiers.has(id)) {
      try {
        await server.admit(id);
        return;
      } catch (error) {
        if (signal.aborted) return;
        watch({ kind: 'problem', what: 'admit', error });
        await pause(clock, retryMs, signal);
      }
    }
  }

  #inTurn(action: () => Promise<void>): void {
    this.#slots = this.#slots.then(action);
  }
}

const isSame = (a: readonly MemberId[], b: readonly MemberId[]): boolean =>
  a.length === b.length && a.every((id) => b.includes(id));
