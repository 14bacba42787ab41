/** Copies the generated codec, which tsc leaves alone, beside its output. Part of `npm run build`. */
import { cpSync, mkdirSync, readdirSync } from 'node:fs';

const from = new URL('../src/codec/generated/', import.meta.url);
const to = new URL('../dist/codec/generated/', import.meta.url);

mkdirSync(to, { recursive: true });
for (const name of readdirSync(from)) {
  if (name.endsWith('.js') || name.endsWith('.d.ts')) cpSync(new URL(name, from), new URL(name, to));
}
