/** The house (architecture.md): which room may import which, and which packages a room may use. */

export interface Room {
  /** Rooms of which anything may be imported, by their doors. */
  readonly imports: readonly string[];
  /** Rooms of which only types may be imported. */
  readonly types?: readonly string[];
  /** External packages; `node:` stands for Node's own modules. */
  readonly packages?: readonly string[];
}

const guards = ['base', 'codec', 'crypto', 'space', 'policy', 'confidential'];
const core = [...guards, 'ordering', 'service'];
const users = ['replica', 'client', 'recipes', 'red'];

export const rooms: Readonly<Record<string, Room>> = {
  base: { imports: [] },
  codec: { imports: ['base'], packages: ['protobufjs'] },
  crypto: {
    imports: ['base', 'codec'],
    packages: [
      ...['node:', '@noble/curves', '@noble/hashes', 'libsodium-wrappers-sumo'],
      ...['shamir-secret-sharing', 'yaml'],
    ],
  },
  ordering: { imports: ['base', 'codec'] },
  space: { imports: ['base', 'codec'] },
  policy: { imports: ['base', 'codec'], types: ['space'], packages: ['acorn', 'ses'] },
  confidential: { imports: ['base', 'codec', 'crypto'], types: ['space'] },
  service: { imports: guards },
  replica: { imports: core, packages: ['node:', '@grpc/grpc-js', 'classic-level', 'pino', 'prom-client'] },
  client: {
    imports: ['base', 'codec', 'crypto', 'confidential'],
    types: ['space'],
    packages: ['node:', '@grpc/grpc-js'],
  },
  recipes: { imports: ['client'] },
  red: { imports: ['client', 'recipes'], packages: ['node:', 'pg'] },
  sim: { imports: [...core, ...users], packages: ['node:', '@noble/hashes'] },
  cli: {
    imports: [...core, ...users, 'sim'],
    packages: [
      ...['node:', 'commander', 'esbuild', 'pino', 'prom-client'],
      // Of the bench: its histograms, and a client of etcd.
      ...['hdr-histogram-js', '@grpc/grpc-js', 'protobufjs'],
    ],
  },
};

/** Synchronous, without clock, entropy, I/O or locale: equal inputs give equal outputs. */
export const pureRooms: readonly string[] = ['base', 'codec', 'ordering', 'space', 'policy', 'service'];
