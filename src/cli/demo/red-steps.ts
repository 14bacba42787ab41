/** The steps of the tour of ReD, in order; each builds on those before. */
import { setTimeout as sleep } from 'node:timers/promises';
import { loadTrial, readWriter, type Writer } from '../../red/index.js';
import { database, leaseMs, memberIds, type RedTour } from './red-tour.js';
import { check } from './tour.js';
import type { Step as StepOf } from './walk.js';

type Step = StepOf<RedTour>;

const writingMs = 2_000;

const start: Step = {
  name: 'start',
  shows:
    'four replicas of the coordination service, of which any one may fail in any way; three PostgreSQL servers, each with a coordinator and an agent',
  async run(tour) {
    await tour.tour.group.startAll();
    await tour.startCoordinators();
    await tour.startServers();
    await tour.untilWhole();
    const { id, token } = await writerOf(tour);
    return `${id} is the writer, fencing token ${token}; the others copy it, and commits wait for them`;
  },
};

async function writerOf(tour: RedTour): Promise<Writer> {
  const space = await tour.space();
  return tour.until('there is a writer', 2 * leaseMs, () => readWriter(space));
}

const write: Step = {
  name: 'write',
  shows: 'a client writes row after row through the writer, each with the fencing token of its writer',
  async run(tour) {
    await tour.startWriting();
    await sleep(writingMs);
    check(tour.acknowledged.length > 0, 'rows are acknowledged');
    return `${tour.acknowledged.length} rows acknowledged in ${writingMs / 1_000} s, each once all three servers had it`;
  },
};

/** Which server was killed, for the step that starts it again. */
const killed = new WeakMap<RedTour, string>();

const kill: Step = {
  name: 'kill',
  shows: 'kill -9 of the writer and its agent: once its lease is over a copier is promoted, and writes go on',
  async run(tour) {
    const { id, token } = await writerOf(tour);
    await tour.kill(id);
    killed.set(tour, id);
    const before = tour.acknowledged.at(-1);
    const after = await tour.until('writes go on', 6 * leaseMs, async () => {
      return tour.acknowledged.find((row) => row.token > token) ?? null;
    });
    check(before !== undefined, 'rows were acknowledged before');
    const next = await writerOf(tour);
    check(next.id !== id, 'another server is the writer');
    const outage = ((after.atMs - before.atMs) / 1_000).toFixed(1);
    return `${next.id} took over with fencing token ${next.token}; no row was acknowledged for ${outage} s (lease ${leaseMs / 1_000} s)`;
  },
};

const rejoin: Step = {
  name: 'rejoin',
  shows:
    'the killed server starts again: a copier now, rid of what nobody acknowledged, and waited for like the others',
  async run(tour) {
    const id = killed.get(tour);
    check(id !== undefined, 'a server was killed');
    const beganMs = performance.now();
    tour.startAgent(id);
    await tour.untilWhole();
    const seconds = ((performance.now() - beganMs) / 1_000).toFixed(1);
    return `${id} is back as a copier and holds every acknowledged commit, ${seconds} s after its start`;
  },
};

async function missingAt(tour: RedTour, id: string): Promise<number> {
  const { askSuperuser } = await loadTrial();
  const rows = await askSuperuser(tour.place(id), database, 'SELECT n::text AS n, token FROM trial');
  const there = new Map(rows.map((row) => [row['n'], row['token']]));
  return tour.acknowledged.filter(({ n, token }) => there.get(String(n)) !== String(token)).length;
}

const verify: Step = {
  name: 'verify',
  shows: 'every acknowledged row is at every server, with its token; and tokens never went back',
  async run(tour) {
    await tour.stopWriting();
    const { acknowledged } = tour;
    for (const id of memberIds)
      await tour.until(`${id} has every acknowledged row`, leaseMs, async () => {
        return (await missingAt(tour, id)) === 0 ? true : null;
      });
    const isForward = acknowledged.every(
      ({ token }, index) => token >= (acknowledged[index - 1]?.token ?? 0n),
    );
    check(isForward, 'tokens never went back');
    const writers = new Set(acknowledged.map(({ token }) => token)).size;
    return `all ${acknowledged.length} acknowledged rows, of ${writers} writers, are at ${memberIds.join(', ')}`;
  },
};

export const redSteps: readonly Step[] = [start, write, kill, rejoin, verify];
