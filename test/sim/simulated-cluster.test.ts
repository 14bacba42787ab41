/** Programs over simulated clusters meet the guards that they will meet in a real one. */
import { expect, it } from 'vitest';
import { SimulatedCluster } from '../../src/sim/index.js';

const ownOnly = `import { definePolicy } from "theodora/policy";
export default definePolicy({ out: ({ tuple, invoker }) => tuple[1] === invoker, rdp: true });
`;

it('clients are known by their names, and the one called admin administers', async () => {
  const cluster = new SimulatedCluster({ seed: 1, clients: ['admin', 'a', 'b'] });
  const { admin } = cluster.client('admin');
  await cluster.run(admin.createSpace('own', { policy: ownOnly }));
  const space = cluster.client('a').space('own');
  expect((await cluster.run(space.out(['by', 'a']))).owner).toBe('a');
  await expect(cluster.run(space.out(['by', 'b']))).rejects.toMatchObject({ code: 'POLICY_DENIED' });
  await expect(cluster.run(cluster.client('a').admin.deleteSpace('own'))).rejects.toMatchObject({
    code: 'ADMIN_ONLY',
  });
  await cluster.run(admin.revokeClient('b'));
  await expect(cluster.run(cluster.client('b').space('own').rdp(['by', 'a']))).rejects.toThrow();
  await cluster.finish();
});
