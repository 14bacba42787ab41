/**
 * The agent's connection to its coordinator (TCP; lines of messages.ts), made again whenever it ends. Must not let a coordinator
 * that falls silent without ending the connection pass for one that is there.
 */
import { connect, type Socket } from 'node:net';
import type { LeaseClock } from '../../client/index.js';
import { LineReader } from '../lines.js';
import type { Address } from './quoting.js';

export interface LinkEvents {
  connected(): void;
  disconnected(): void;
  /** Without the end of the line. */
  line(text: string): void;
  /** A line that is none, or a connection that could not be made. */
  problem(what: string, error: unknown): void;
}

const firstPauseMs = 100;
const lastPauseMs = 2_000;
/** Pings are answered far sooner. */
const silenceMaxMs = 10_000;
const connectTimeoutMs = 3_000;
const closeTimeoutMs = 1_000;

export class CoordinatorLink {
  readonly #coordinator: Address;
  readonly #clock: LeaseClock;
  readonly #events: LinkEvents;
  #socket: Socket | null = null;
  #heardMs = 0;
  #pauseMs = firstPauseMs;
  #retry: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(coordinator: Address, clock: LeaseClock, events: LinkEvents) {
    this.#coordinator = coordinator;
    this.#clock = clock;
    this.#events = events;
  }

  open(): void {
    if (this.#isClosed) return;
    const { host, port } = this.#coordinator;
    const socket = connect({ host, port, noDelay: true });
    const lines = new LineReader();
    const late = setTimeout(() => socket.destroy(), connectTimeoutMs);
    let isConnected = false;
    this.#socket = socket;
    socket.once('connect', () => {
      clearTimeout(late);
      isConnected = true;
      this.#heardMs = this.#clock.nowMs();
      this.#events.connected();
    });
    socket.on('data', (chunk) => {
      this.#heardMs = this.#clock.nowMs();
      this.#pauseMs = firstPauseMs;
      for (const line of lines.take(chunk)) {
        if (socket.destroyed) return;
        if ('text' in line) this.#events.line(line.text);
        else this.#events.problem('line of the coordinator', line.problem);
      }
    });
    // Half a connection is none.
    socket.once('end', () => socket.destroy());
    socket.on('error', (error) => this.#events.problem('connection to the coordinator', error));
    socket.once('close', () => {
      clearTimeout(late);
      this.#socket = null;
      if (isConnected) this.#events.disconnected();
      this.#openLater();
    });
  }

  say(line: string): void {
    const socket = this.#socket;
    if (socket === null || socket.destroyed) return;
    if (this.#clock.nowMs() - this.#heardMs > silenceMaxMs) socket.destroy();
    else socket.write(`${line}\n`);
  }

  /** Resolves once what was said is on its way, and the connection has ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    const socket = this.#socket;
    if (socket === null) return;
    await new Promise<void>((resolve) => {
      const late = setTimeout(() => socket.destroy(), closeTimeoutMs);
      socket.once('close', () => {
        clearTimeout(late);
        resolve();
      });
      socket.end();
    });
  }

  #openLater(): void {
    if (this.#isClosed) return;
    this.#retry = setTimeout(() => this.open(), this.#pauseMs);
    this.#pauseMs = Math.min(2 * this.#pauseMs, lastPauseMs);
  }
}
