/** Malicious clients in a simulated world, beside the correct ones. */
import { replicaId, type ClientId } from '../../base/index.js';
import { decodeEnvelope } from '../../codec/index.js';
import type { RegisteredClient } from '../checkers/registered-clients.js';
import type { World } from '../world.js';
import { OutlawHost } from './outlaw-host.js';

export { OutlawHost } from './outlaw-host.js';
export { outlaws } from './table.js';

/** One process for each, which behaves in all of these ways; before the world starts. */
export function addOutlaws(world: World, processes: readonly (readonly string[])[]): readonly OutlawHost[] {
  const registered: RegisteredClient[] = [];
  const hosts = processes.map((names, index) => {
    const protocol = world.createClientCore();
    registered.push({ name: `o${index}`, publicKey: protocol.client });
    const host = new OutlawHost(world, protocol, names);
    world.addEndpoint(host);
    world.outlaws.set(host.node, names.join(' '));
    return host;
  });
  // Where clients are registered, so are they: nobody knows what they are.
  if (world.registered !== null) world.registered = [...world.registered, ...registered];
  return hosts;
}

/**
 * They are gone, and so is what faulty replicas keep of them: numbers out of every window, which are executed never, could be
 * passed on for ever, and nothing would come to rest.
 */
export function endOutlaws(world: World, hosts: readonly OutlawHost[]): void {
  for (const host of hosts) host.end();
  if (hosts.length === 0) return;
  const clients = new Set<ClientId>(hosts.map(({ client }) => client));
  const { filter } = world;
  world.filter = (packet) => {
    const { from, message } = packet;
    if (message.kind === 'forward' && world.byzantine.has(replicaId(from))) {
      const body = decodeEnvelope(message.envelope)?.body;
      if (body !== undefined && body.kind !== 'rejoin' && clients.has(body.client)) return true;
    }
    return filter?.(packet) ?? false;
  };
}
