/** Stands before a server, and can be cut: then nobody reaches the server, and what was connected is so no longer. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export class TcpProxy {
  readonly #server = createServer((socket) => this.#onConnection(socket));
  readonly #port: number;
  readonly #sockets = new Set<Socket>();
  #isCut = false;

  constructor(port: number) {
    this.#port = port;
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen({ host: '127.0.0.1', port: 0 }, resolve));
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** What was connected hears nothing of it: its packets are lost. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** Old connections are of no use. */
  mend(): void {
    this.#isCut = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.mend();
    this.#server.close();
  }

  #onConnection(inner: Socket): void {
    const outer = connect({ host: '127.0.0.1', port: this.#port });
    for (const [socket, other] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('data', (chunk) => other.write(chunk));
      socket.on('error', () => undefined);
      socket.once('close', () => {
        this.#sockets.delete(socket);
        // While it is cut, nobody hears of an end either.
        if (!this.#isCut) other.destroy();
      });
      if (this.#isCut) socket.pause();
    }
  }
}
