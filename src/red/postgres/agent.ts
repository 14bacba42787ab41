/**
 * The agent of one PostgreSQL replica (red/2): has `Member` decide, on the process's monotonic clock and over a connection to the
 * coordinator, and does with the server what it says. Nothing of that blocks the rule: pings go on while the server starts,
 * clones or rewinds, and a stop overtakes all of it. What a part did before a stop, it does not go on with after.
 */
import { processClock, type LeaseClock } from '../../client/index.js';
import { Driver } from '../driver.js';
import { Member, type Act, type MemberInput, type MemberOutput } from '../member.js';
import { formatReplicaMessage, parseCoordinatorLine, type MemberId } from '../messages.js';
import { Copier } from './agent-copier.js';
import type { AgentEvent, PartContext } from './agent-events.js';
import { Writer } from './agent-writer.js';
import { postgresError } from './errors.js';
import { CoordinatorLink } from './link.js';
import { checkAddress, parseAddressText, type Address } from './quoting.js';
import type { PostgresServer } from './server.js';

export interface AgentOptions {
  readonly id: MemberId;
  readonly server: PostgresServer;
  readonly coordinator: Address;
  /** Where others reach the server. */
  readonly advertise: Address;
  readonly watch: (event: AgentEvent) => void;
  readonly clock?: LeaseClock;
}

/** A stop takes half a second, and what the system adds. */
const marginMs = 1_000;
/** Coordinators of the shortest leases give up a replica that is silent for three times as long. */
const pingMs = 400;
const firstMendMs = 1_000;
const lastMendMs = 30_000;
/** A part that was played for so long had nothing to do with failures before. */
const isWellAfterMs = 30_000;
const stopRetryMs = 1_000;

export class PostgresAgent {
  readonly #options: AgentOptions;
  readonly #clock: LeaseClock;
  readonly #driver: Driver<MemberInput, MemberOutput>;
  readonly #link: CoordinatorLink;
  /** Aborted at a stop. */
  #life = new AbortController();
  #bornMs = 0;
  #copier: Copier | null = null;
  #writer: Writer | null = null;
  #stopping: Promise<void> = Promise.resolve();
  #failures = 0;
  #isClosed = false;

  constructor(options: AgentOptions) {
    const { id, advertise, coordinator, clock = processClock } = options;
    const address = advertisedText(checkAddress(advertise));
    this.#options = options;
    this.#clock = clock;
    const member = new Member({ id, address, marginMs, pingMs });
    this.#driver = new Driver(member, clock, (output) => this.#carryOut(output));
    this.#link = new CoordinatorLink(coordinator, clock, {
      connected: () => {
        options.watch({ kind: 'coordinator', isConnected: true });
        this.#give({ kind: 'connected' });
      },
      disconnected: () => {
        this.#give({ kind: 'disconnected' });
        options.watch({ kind: 'coordinator', isConnected: false });
      },
      line: (text) => this.#onLine(text),
      problem: (what, error) => options.watch({ kind: 'problem', what, error }),
    });
  }

  start(): void {
    this.#link.open();
  }

  /** Stops the server at once, tells the coordinator so, and takes no part any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#give({ kind: 'failed' });
    await this.#stopping;
    await this.#stopForCertain();
    await this.#options.server.close();
    await this.#link.close();
    this.#driver.stop();
  }

  #onLine(text: string): void {
    const parsed = parseCoordinatorLine(text);
    if ('problem' in parsed) {
      this.#options.watch({ kind: 'problem', what: 'line of the coordinator', error: parsed.problem });
      return;
    }
    const { message } = parsed;
    if (message.kind === 'error') {
      const error = new Error(`${message.code} ${message.text}`);
      this.#options.watch({ kind: 'problem', what: 'coordinator', error });
    }
    this.#give({ kind: 'message', message });
  }

  #give(input: MemberInput): void {
    this.#driver.give(input);
  }

  #carryOut(output: MemberOutput): void {
    if (output.kind === 'say') this.#link.say(formatReplicaMessage(output.message));
    else this.#do(output.act);
  }

  #do(act: Act): void {
    const { watch } = this.#options;
    switch (act.kind) {
      case 'copy':
        this.#life = new AbortController();
        this.#bornMs = this.#clock.nowMs();
        watch({ kind: 'role', role: 'copier', token: null });
        this.#copier = new Copier(this.#context());
        return;
      case 'follow':
        this.#follow(act);
        return;
      case 'write': {
        const copied = this.#copier?.done ?? Promise.resolve();
        this.#copier?.end();
        this.#copier = null;
        this.#writer = new Writer(this.#context(), act, copied);
        return;
      }
      case 'admit':
        // About to be the writer, it hears of all copiers again with the order.
        if (this.#writer === null) this.#give({ kind: 'acknowledge' });
        else this.#writer.admit(act.id);
        return;
      case 'forget':
        this.#writer?.forget(act.id);
        return;
      case 'synced':
        this.#writer?.synced(act.ids);
        return;
      case 'stop':
        this.#stop();
        return;
    }
  }

  #follow({ id, token, address }: Extract<Act, { kind: 'follow' }>): void {
    const where = address === null ? null : parseAddressText(address);
    if (where !== null) {
      this.#copier?.follow({ id, token, address: where, text: address! });
      return;
    }
    const text = `nobody reaches the writer ${id}: its address is ${address === null ? 'not known' : JSON.stringify(address)}`;
    const error = postgresError(
      'POSTGRES_ADDRESS_INVALID',
      text,
      'Start its agent with --advertise host:port',
    );
    this.#options.watch({ kind: 'problem', what: 'follow', error });
  }

  #context(): PartContext {
    const { id, server, watch } = this.#options;
    const { signal } = this.#life;
    return {
      own: id,
      server,
      clock: this.#clock,
      signal,
      watch,
      give: (input) => {
        if (!signal.aborted) this.#give(input);
      },
      fail: (what, error) => {
        if (signal.aborted) return;
        watch({ kind: 'problem', what, error });
        this.#fail();
      },
    };
  }

  /** It takes part again after a while, longer each time. */
  #fail(): void {
    if (this.#clock.nowMs() - this.#bornMs > isWellAfterMs) this.#failures = 0;
    const delayMs = Math.min(firstMendMs * 2 ** this.#failures++, lastMendMs);
    this.#give({ kind: 'failed' });
    this.#clock.after(delayMs, () => {
      if (!this.#isClosed) this.#give({ kind: 'mended' });
    });
  }

  #stop(): void {
    this.#life.abort();
    this.#copier = null;
    this.#writer = null;
    this.#stopping = this.#stopForCertain().then(() => {
      this.#options.watch({ kind: 'role', role: 'stopped', token: null });
      this.#give({ kind: 'stopped' });
    });
  }

  /** Until it is: nothing else may be said before. */
  async #stopForCertain(): Promise<void> {
    for (;;) {
      try {
        await this.#options.server.stopNow();
        return;
      } catch (error) {
        this.#options.watch({ kind: 'problem', what: 'stop', error });
        await new Promise<void>((resolve) => this.#clock.after(stopRetryMs, resolve));
      }
    }
  }
}

const advertisedText = ({ host, port }: Address): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`;
