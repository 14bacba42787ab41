/** The ready policies as simulations use them are those of policy/, compiled. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { compilePolicy } from '../../src/cli/policy-compiler.js';
import { readyPolicies, readyPolicyNames } from '../../src/sim/guarded/ready-policies.js';

const folder = fileURLToPath(new URL('../../policy', import.meta.url));

it('simulations have every ready policy but the one that begins with roles which the admin gives', () => {
  const files = readdirSync(folder).filter((file) => file.endsWith('.ts') && file !== 'work-queue.ts');
  expect(readyPolicyNames.map((name) => `${name}.ts`).toSorted()).toEqual(files.toSorted());
});

it.each(readyPolicyNames)('%s is what the compiler makes of it', async (name) => {
  expect(readyPolicies[name]).toBe((await compilePolicy(`${folder}/${name}.ts`)).source);
});
