/**
 * `/healthz` and `/metrics` on a port of their own: plain HTTP without authentication, so on the loopback
 * address unless configured otherwise, and off unless configured at all.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import { InvalidInputError } from '../base/index.js';

export interface Health {
  /** `observer`: follows, does not vote yet. `starting` and `stopped` are served with 503. */
  readonly status: 'starting' | 'ok' | 'observer' | 'changing-view' | 'stopped';
  readonly view: number;
  readonly executed: number;
  readonly isObserver: boolean;
}

export interface HttpOptions {
  readonly host: string;
  /** 0 for any. */
  readonly port: number;
  health(): Health;
  readonly registry: Registry;
}

export interface HttpService {
  readonly port: number;
  close(): Promise<void>;
}

function answer(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
  response.end(body);
}

async function handle(
  options: HttpOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = request.url?.split('?')[0];
  if (request.method !== 'GET') {
    answer(response, 405, 'text/plain', 'GET only\n');
  } else if (path === '/healthz') {
    const health = options.health();
    const isUp = health.status !== 'starting' && health.status !== 'stopped';
    answer(response, isUp ? 200 : 503, 'application/json', `${JSON.stringify(health)}\n`);
  } else if (path === '/metrics') {
    answer(response, 200, options.registry.contentType, await options.registry.metrics());
  } else {
    answer(response, 404, 'text/plain', 'only /healthz and /metrics\n');
  }
}

/** @throws InvalidInputError METRICS_PORT_UNUSABLE. */
export function startHttp(options: HttpOptions): Promise<HttpService> {
  const server = createServer((request, response) => {
    handle(options, request, response).catch(() => response.destroy());
  });
  server.maxConnections = 64;
  server.requestTimeout = 5_000;
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const address = `${options.host}:${options.port}`;
      const message = `cannot serve metrics on ${address} (${cause.code ?? cause.message}): choose another port or switch them off.`;
      reject(new InvalidInputError('METRICS_PORT_UNUSABLE', message, { address }, cause));
    });
    server.listen({ host: options.host, port: options.port }, () => {
      resolve({
        port: (server.address() as AddressInfo).port,
        close: () =>
          new Promise((done) => {
            server.close(() => done());
            server.closeAllConnections();
          }),
      });
    });
  });
}
