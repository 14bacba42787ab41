/** Who is registered from the start of a simulated world, and how everybody is called there. */
import type { RegisteredClient } from '../checkers/registered-clients.js';
import type { ClientHost } from '../client-host.js';
import type { GuardOptions } from '../world-options.js';

interface Hosts {
  readonly clients: readonly ClientHost[];
  readonly admin: ClientHost | null;
  readonly guests: readonly ClientHost[];
}

const named = (hosts: readonly ClientHost[], letter: string): RegisteredClient[] =>
  hosts.map(({ client }, index) => ({ name: `${letter}${index}`, publicKey: client }));

export function registeredOf(
  { clients, admin, guests }: Hosts,
  { lateGuests }: GuardOptions,
): readonly RegisteredClient[] {
  const early = guests.slice(0, guests.length - lateGuests);
  const administers = admin === null ? [] : [{ name: 'admin', publicKey: admin.client }];
  return [...administers, ...named(clients, 'c'), ...named(early, 'g')];
}
