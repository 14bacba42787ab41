/**
 * What a policy costs an operation: the replicated application alone, in this process, the same operations in a space
 * with the policy and in one without, in turns, so that both meet the same machine. Both must answer the same.
 */
import { fileURLToPath } from 'node:url';
import { clientId, encodeUtf8, equalBytes, type ClientId } from '../../base/index.js';
import { decodeResult, encodeOperation, type Operation } from '../../codec/index.js';
import { sha256 } from '../../crypto/index.js';
import { createService, type Service } from '../../service/index.js';
import { compilePolicy } from '../policy-compiler.js';
import { executeAlone, noEffects } from './application-alone.js';
import { median } from './statistics.js';
import { policyLoads, type PolicyLoad, type Step } from './policy-loads.js';

/** Of the median round, µs an operation. */
export interface PolicyCost {
  readonly operations: readonly string[];
  readonly withoutUs: number;
  readonly withUs: number;
  readonly costUs: number;
}

/** By policy. */
export type PolicyCosts = Readonly<Record<string, PolicyCost>>;

/** How often each is measured, after as many rounds to warm up as `warmUp` says. */
export interface PolicyRounds {
  readonly warmUp: number;
  readonly rounds: number;
  readonly operationsPerRound: number;
}

export const defaultPolicyRounds: PolicyRounds = { warmUp: 10, rounds: 41, operationsPerRound: 2_000 };

const space = 'bench';
const unbounded = { entries: null, bytes: null, waits: null };

/** The module as `space create` compiles it. */
export async function compileReadyPolicy(name: string): Promise<string> {
  const file = fileURLToPath(new URL(`../../../policy/${name}.ts`, import.meta.url));
  return (await compilePolicy(file)).source;
}

interface Request {
  readonly client: ClientId;
  readonly time: number;
  readonly operation: Uint8Array;
}

function keyOf(client: string): ClientId {
  return clientId(sha256(encodeUtf8(client)!));
}

/** A service with one space, with a policy or without. */
class Subject {
  readonly #service: Service;
  #time = 0;

  constructor(clients: readonly string[], policy: string | null) {
    const registered = ['admin', ...clients].map((name) => ({ name, publicKey: keyOf(name) }));
    this.#service = createService({ hash: sha256, clients: registered });
    const lists = { insert: null, readers: null, takers: null };
    const config = { ...lists, policy, quota: unbounded, clientQuota: unbounded, confidential: null };
    const operation = encodeOperation({ kind: 'spaceCreate', space, config });
    this.run([{ client: keyOf('admin'), time: 1, operation }]);
  }

  /** How long it took, and what was answered. */
  run(requests: readonly Request[]): { readonly ms: number; readonly answers: readonly Uint8Array[] } {
    const answers: Uint8Array[] = [];
    const beganMs = performance.now();
    for (const { client, time, operation } of requests) {
      if (time !== this.#time) this.#service.advanceTime((this.#time = time), noEffects);
      answers.push(executeAlone(this.#service, { client, operation, time })!);
    }
    const ms = performance.now() - beganMs;
    this.#service.checkpoint();
    return { ms, answers };
  }
}

function check(load: PolicyLoad, requests: readonly Step[], one: readonly Uint8Array[], other: typeof one) {
  for (const [i, answer] of one.entries()) {
    const result = decodeResult(answer);
    if (result !== null && result.kind !== 'refused' && equalBytes(answer, other[i]!)) continue;
    const { client, operation } = requests[i]!;
    throw new Error(`${load.policy}: ${client} was not let do what the load is made of (${operation.kind})`);
  }
}

async function costOf(load: PolicyLoad, plan: PolicyRounds): Promise<PolicyCost> {
  const policy = await compileReadyPolicy(load.policy);
  const [without, guarded] = [new Subject(load.clients, null), new Subject(load.clients, policy)];
  const times: [number[], number[]] = [[], []];
  let cycle = 0;
  const runBoth = (steps: readonly Step[], isSwapped: boolean): readonly [number, number] => {
    const requests = steps.map(({ client, time, operation }) => ({
      ...{ client: keyOf(client), time },
      operation: encodeOperation({ ...operation, space } as Operation),
    }));
    const swapped = isSwapped ? guarded.run(requests) : null;
    const plain = without.run(requests);
    const ruled = swapped ?? guarded.run(requests);
    check(load, steps, ruled.answers, plain.answers);
    return [plain.ms, ruled.ms];
  };
  runBoth(load.prepared(1), false);
  for (let round = -plan.warmUp; round < plan.rounds; round++) {
    const steps: Step[] = [];
    while (steps.length < plan.operationsPerRound) steps.push(...load.cycle(cycle, 1 + ++cycle));
    const both = runBoth(steps, round % 2 !== 0);
    if (round >= 0) both.forEach((ms, i) => times[i]!.push((ms * 1_000) / steps.length));
  }
  const [withoutUs, withUs] = times.map(median) as [number, number];
  const operations = [...new Set(load.cycle(cycle, cycle).map(({ operation }) => operation.kind))];
  const rounded = (us: number): number => Number(us.toFixed(3));
  return {
    operations,
    withoutUs: rounded(withoutUs),
    withUs: rounded(withUs),
    costUs: rounded(withUs - withoutUs),
  };
}

export async function runPolicyCosts(plan: PolicyRounds = defaultPolicyRounds): Promise<PolicyCosts> {
  const costs: Record<string, PolicyCost> = {};
  for (const load of policyLoads) costs[load.policy] = await costOf(load, plan);
  return costs;
}
