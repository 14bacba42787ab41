/** A coordinator in the hands of a test, for one agent at a time: it hears its lines, and answers its pings with what the test says. */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

export class ScriptedCoordinator {
  /** What every ping is answered with; null: nothing. */
  trueForMs: number | null = 5_000;
  pings = 0;
  readonly #server = createServer((socket) => this.#onConnection(socket));
  readonly #heard: string[] = [];
  #socket: Socket | null = null;
  #listeners: (() => void)[] = [];

  async listen(): Promise<{ host: string; port: number }> {
    await new Promise<void>((resolve) => this.#server.listen({ host: '127.0.0.1', port: 0 }, resolve));
    return { host: '127.0.0.1', port: (this.#server.address() as AddressInfo).port };
  }

  say(...lines: readonly string[]): void {
    for (const line of lines) this.#socket?.write(`${line}\n`);
  }

  /** The next line that is neither a ping nor a report of lags. */
  async hear(): Promise<string> {
    while (this.#heard.length === 0) await new Promise<void>((resolve) => this.#listeners.push(resolve));
    return this.#heard.shift()!;
  }

  hangUp(): void {
    this.#socket?.destroy();
  }

  close(): void {
    this.hangUp();
    this.#server.close();
  }

  #onConnection(socket: Socket): void {
    this.#socket = socket;
    socket.on('error', () => undefined);
    createInterface({ input: socket }).on('line', (line) => {
      const [keyword, number] = line.split(' ');
      if (keyword === 'LAG') return;
      if (keyword !== 'PING') {
        this.#heard.push(line);
        for (const listener of this.#listeners.splice(0)) listener();
        return;
      }
      this.pings++;
      if (this.trueForMs !== null) socket.write(`PONG ${number} ${this.trueForMs}\n`);
    });
  }
}
