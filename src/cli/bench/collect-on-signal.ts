/** Loaded into replicas of `bench memory` (resident.ts): collects garbage at SIGUSR2, so that memory can be told from garbage. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
process.on('SIGUSR2', () => collect());
