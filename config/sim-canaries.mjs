/**
 * `npm run sim:canaries`: the protocol bugs of src/sim/protocol-bugs, each looked for by the search itself: random runs, mutations and
 * Twins, from seed 1 on, until a checker notices or the limit is reached. The same seed is then played without the bug, and
 * must hold. Prints a table. `-- --only small-quorum,amnesia --kinds random,twins --limit 20
 * --twins 100 --workers 2 --json found.jsonl`.
 */
import { fork } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { protocolBugs, runRandom, runTwins } from '../dist/sim/index.js';

const kinds = {
  random: (options) => runRandom(options),
  mutations: (options) => runRandom({ ...options, behaviours: ['mutate'] }),
  twins: (options) => runTwins(options),
};

const search = ({ name, kind, limit }) => {
  const { tampering } = protocolBugs.find((bug) => bug.name === name);
  for (let seed = 1; seed <= limit; seed++) {
    const { failure } = kinds[kind]({ seed, tampering: tampering() });
    if (failure === undefined) continue;
    const isClean = kinds[kind]({ seed }).ok;
    const [message] = failure.message.split('\n');
    return { name, kind, seeds: seed, checker: failure.checker, message, isClean };
  }
  return { name, kind, seeds: null, limit };
};

if (process.send !== undefined) {
  process.on('message', (task) => process.send(search(task)));
  process.on('disconnect', () => process.exit(1));
} else await main();

async function main() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      kinds: { type: 'string', default: Object.keys(kinds).join(',') },
      limit: { type: 'string', default: '100' },
      twins: { type: 'string', default: '500' },
      workers: { type: 'string', default: String(availableParallelism()) },
      json: { type: 'string' },
    },
  });
  const limits = {
    random: Number(values.limit),
    mutations: Number(values.limit),
    twins: Number(values.twins),
  };
  const names = values.only?.split(',') ?? protocolBugs.map(({ name }) => name);
  const chosen = values.kinds.split(',');
  const tasks = chosen.flatMap((kind) => names.map((name) => ({ name, kind, limit: limits[kind] })));
  const found = new Map();
  const work = async () => {
    const child = fork(fileURLToPath(import.meta.url));
    for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) {
      child.send(task);
      const result = await new Promise((resolve, reject) => {
        child.once('message', resolve);
        child.once('exit', (code) => reject(new Error(`${task.name}, ${task.kind}: ended with ${code}`)));
      });
      child.removeAllListeners('exit');
      found.set(`${result.name} ${result.kind}`, result);
      if (values.json !== undefined) appendFileSync(values.json, `${JSON.stringify(result)}\n`);
      console.error(`${result.name}, ${result.kind}: ${cellOf(result)}`);
    }
    child.disconnect();
  };
  await Promise.all(Array.from({ length: Number(values.workers) }, work));
  show(names, found, chosen);
}

function cellOf({ seeds, checker, isClean, limit }) {
  if (seeds === null) return `> ${limit}`;
  return `${seeds} (${checker})${isClean ? '' : ', without the bug too'}`;
}

function show(names, found, chosen) {
  const columns = ['bug', 'what is wrong', ...chosen];
  console.log(`| ${columns.join(' | ')} |\n|${'---|'.repeat(columns.length)}`);
  const resultsOf = (name) => chosen.map((kind) => found.get(`${name} ${kind}`));
  for (const name of names) {
    const { bug } = protocolBugs.find((each) => each.name === name);
    console.log(`| \`${name}\` | ${bug} | ${resultsOf(name).map(cellOf).join(' | ')} |`);
  }
  const isFound = (name) => resultsOf(name).some(({ seeds, isClean }) => seeds !== null && isClean);
  console.log(`\n${names.filter(isFound).length} of ${names.length} found`);
}
