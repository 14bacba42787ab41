/** Users' programs against clusters that attack them. */
import { readFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { sequenceNumber, toHex } from '../../../src/base/index.js';
import { any } from '../../../src/client/index.js';
import { decodeEnvelope } from '../../../src/codec/index.js';
import { byzantine, byzantineBehaviours } from '../../../src/sim/index.js';
import type { World } from '../../../src/sim/world.js';

it('a counter under a policy counts to the end, whatever one replica of four does', async () => {
  const increasing = `import { any, definePolicy, template } from "theodora/policy";
export default definePolicy({
  out: ({ tuple, space }) => !space.exists(template("counter", any)) && tuple[1] === 0,
  replace: ({ template, tuple }) => tuple[1] === template[1] + 1,
  rdp: true,
});
`;
  await byzantine({ clients: ['admin', 'a', 'b'] }, async (cluster) => {
    await cluster.client('admin').admin.createSpace('counters', { policy: increasing });
    const a = cluster.client('a').space('counters');
    const b = cluster.client('b').space('counters');
    await a.out(['counter', 0]);
    for (let count = 0; count < 6; count++)
      await (count % 2 === 0 ? a : b).replace(['counter', count], ['counter', count + 1]);
    expect((await a.rdp(['counter', 6]))?.tuple).toEqual(['counter', 6]);
    await expect(b.replace(['counter', 6], ['counter', 8])).rejects.toMatchObject({ code: 'POLICY_DENIED' });
  });
}, 300_000);

describe('the examples', () => {
  it.each(['README.md', 'docs/guide/fault-injection.md'])(
    'of %s hold',
    async (name) => {
      const page = readFileSync(new URL(`../../../${name}`, import.meta.url), 'utf8');
      const [code = ''] = [...page.matchAll(/```ts\n([^`]*byzantine\([^`]*)```/g)].map(([, text]) => text);
      const body = code.replaceAll(/^import .*$/gm, '').trim();
      expect(body).not.toBe('');
      const isTest = body.startsWith('it(');
      const it = (_name: string, test: () => Promise<void>): Promise<void> => test();
      const script = isTest ? body : `(async () => { ${body} })()`;
      await runInNewContext(script, { byzantine, expect, any, it });
    },
    300_000,
  );
});

it('what goes wrong names the run, and how to repeat it', async () => {
  const failing = byzantine({ clients: ['a'], behaviours: ['silent'], firstSeed: 7 }, async (cluster) => {
    expect(await cluster.client('a').space('default').rdp(['nothing'])).not.toBeNull();
  });
  await expect(failing).rejects.toThrow(
    /^replica 0: silent, seed 7: .*Again: byzantine\(\{ …, behaviours: \['silent'\], firstSeed: 7 \}/s,
  );
});

it('a behaviour that there is not is refused before anything runs', async () => {
  const refused = byzantine({ clients: ['a'], behaviours: ['silent', 'nice'] }, () => Promise.resolve());
  await expect(refused).rejects.toMatchObject({
    code: 'BEHAVIOUR_UNKNOWN',
    fields: { behaviour: 'nice' },
  });
});

describe('f+1 faulty replicas', () => {
  it('can have a client believe what never was', async () => {
    const lies = { clients: ['a'], behaviours: ['stale-replies'], faulty: 2, seeds: 6 };
    const reading = byzantine(lies, async (cluster) => {
      const space = cluster.client('a').space('default');
      await space.out(['something', 1]);
      for (let count = 0; count < 8; count++) expect(await space.inp(['nothing', count])).toBeNull();
    });
    await expect(reading).rejects.toThrow();
  });

  it('can have two correct replicas execute different batches', async () => {
    const plan = { clients: ['a', 'b'], behaviours: ['collude'], faulty: 2, seeds: 12 };
    const writing = byzantine(plan, async (cluster) => {
      const calls = ['a', 'b'].flatMap((name) =>
        [1, 2, 3, 4].map((number) => cluster.client(name).space('default').out([name, number])),
      );
      await Promise.all(calls);
    });
    await expect(writing).rejects.toMatchObject({ cause: { checker: 'agreement' } });
  });

  it('cannot have anything executed that its client has not signed', async () => {
    let executed = 0;
    const forged: string[] = [];
    for (const behaviour of Object.keys(byzantineBehaviours)) {
      const attack = { clients: ['a', 'b'], behaviours: [behaviour], faulty: 2 };
      const signed = new Set<string>();
      let world: World | null = null;
      const attempt = byzantine(attack, async (cluster) => {
        ({ world } = cluster);
        world.filter = ({ from, message }) => {
          const body = message.kind === 'submit' && from >= 4 ? decodeEnvelope(message.envelope)?.body : null;
          if (body?.kind === 'requests')
            for (const operation of body.operations) signed.add(nameOf(body.client, operation));
          return false;
        };
        const space = cluster.client('a').space('default');
        await Promise.all([1, 2, 3].map((number) => space.out(['by a', number])));
      });
      // Anything else may go wrong: nothing is promised.
      await attempt.catch(() => undefined);
      const { order } = world!.checks;
      for (let number = 1; number <= order.highest; number++)
        for (const { operation } of order.get(sequenceNumber(number))?.executions ?? []) {
          const name = nameOf(operation.client, operation.operation);
          if (!signed.has(name)) forged.push(`${behaviour}: ${name}`);
          executed++;
        }
    }
    expect(forged).toEqual([]);
    expect(executed).toBeGreaterThan(60);
  });
});

const nameOf = (client: string, operation: Uint8Array): string => `${client} ${toHex(operation)}`;
