/** `npm run kill -- --rounds 100 --seed 7`: the kill test of test/e2e, as often as asked for. */
import { runRounds } from './rounds.mjs';

runRounds('test/e2e/kill.test.ts', 'KILL', '100');
