/**
 * What a repair found (ordering/diverge.ts), kept for whoever looks for the cause: in `<dataDir>/evidence/`, a file each,
 * as JSON. Pages hold what is in the space, so nobody else may read them; the oldest files go.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { DifferingPage, Output } from '../ordering/index.js';

type Divergence = Extract<Output, { readonly kind: 'divergence' }>;

const filesMax = 16;

const hex = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : Buffer.from(bytes).toString('hex');

const pageToJson = ({ section, page, own, certified }: DifferingPage): object => ({
  ...{ section, page, own: hex(own), certified: hex(certified) },
});

/** Never throws: a replica that has repaired itself does not stop for want of a file. */
export function evidenceKeeper(dataDir: string, log: Logger): (divergence: Divergence) => void {
  const directory = join(dataDir, 'evidence');
  return ({ sequenceNumber, pages }) => {
    const name = `diverged-${String(sequenceNumber).padStart(16, '0')}.json`;
    const text = JSON.stringify({ sequenceNumber, pages: pages.map(pageToJson) }, null, 1);
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      writeFileSync(join(directory, name), `${text}\n`, { mode: 0o600 });
      const names = readdirSync(directory).filter((each) => each.startsWith('diverged-'));
      for (const old of names.sort().slice(0, -filesMax)) rmSync(join(directory, old));
      log.warn(
        { file: join(directory, name), pages: pages.length },
        'the state had diverged and is repaired',
      );
    } catch (error) {
      log.error({ err: error }, 'the evidence of a divergence could not be kept');
    }
  };
}
