/** `npm run e2e:red -- --rounds 50 --seed 7`: a replicated PostgreSQL database under random harm, as often as asked for. */
import { runRounds } from './rounds.mjs';

runRounds('test/e2e/red-rounds.test.ts', 'RED', '50');
