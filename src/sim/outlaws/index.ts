/** Malicious clients in a simulated world, beside the correct ones. */
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
