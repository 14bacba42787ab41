/** An agent with its server. Loads what speaks to PostgreSQL only then: coordinators and simulations need none of it. */
import type { PostgresAgent } from './agent.js';
import type { AgentEvent } from './agent-events.js';
import type { ServerOptions } from './options.js';
import type { Address } from './quoting.js';
import type * as trial from './trial-client.js';

export interface PostgresAgentOptions {
  readonly server: ServerOptions;
  readonly coordinator: Address;
  /** Where others reach the server, if that is not where it listens. */
  readonly advertise?: Address | undefined;
  readonly watch: (event: AgentEvent) => void;
}

/** Not started yet. @throws as PostgresServer.open. */
export async function openPostgresAgent({
  server: options,
  coordinator,
  advertise = options.listen,
  watch,
}: PostgresAgentOptions): Promise<PostgresAgent> {
  const { PostgresServer } = await import('./server.js');
  const { PostgresAgent } = await import('./agent.js');
  const server = await PostgresServer.open(options);
  return new PostgresAgent({ id: options.id, server, coordinator, advertise, watch });
}

/** What a demonstration needs besides. */
export const loadTrial = (): Promise<typeof trial> => import('./trial-client.js');
