/** A database replica that says what a test lets it say, over TCP, and whose coordinator's lines are awaited one by one. */
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Mailbox } from './mailbox.js';

export class ScriptedReplica {
  readonly socket: Socket;
  /** Resolves when the connection is over. */
  readonly closed: Promise<void>;
  readonly #lines = new Mailbox<string | null>();
  #peeked: Promise<string | null> | null = null;

  private constructor(socket: Socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
    // However it ends, it ends.
    socket.on('error', () => undefined);
    const lines = createInterface({ input: socket });
    lines.on('error', () => undefined);
    lines.on('line', (line) => this.#lines.put(line));
    socket.once('close', () => this.#lines.put(null));
  }

  static async connect(address: string): Promise<ScriptedReplica> {
    const { hostname, port } = new URL(`tcp://${address}`);
    const socket = connect({ host: hostname, port: Number(port) });
    await once(socket, 'connect');
    return new ScriptedReplica(socket);
  }

  say(...lines: readonly string[]): void {
    this.socket.write(lines.map((line) => `${line}\n`).join(''));
  }

  /** What the coordinator says next; null: the connection is over. */
  hear(): Promise<string | null> {
    const next = this.peek();
    this.#peeked = null;
    return next;
  }

  /** The same, and `hear` says it again. */
  peek(): Promise<string | null> {
    return (this.#peeked ??= this.#lines.next());
  }

  /** At once, as a process that is killed. */
  leave(): void {
    this.socket.destroy();
  }
}
