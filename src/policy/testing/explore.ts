/**
 * Small-model checker: every interleaving of what a few clients may try, up to a depth, breadth first, so that
 * the first state to break the invariant is reached by a shortest run. Clients are arbitrary: they try every
 * operation they are given in every state. A timed entry may expire at any moment, as clocks and delays have
 * it. States are counted once.
 */
import { encodeField } from '../../codec/index.js';
import { toHex } from '../../base/index.js';
import type { Policy } from '../policy.js';
import { attempt, emptyState, expire, showFields, showOperation } from './naive-space.js';
import type { TestOperation, TestState } from './naive-space.js';

/** How a state came about; null for the start. */
export interface Step {
  readonly before: TestState;
  /** Null: an entry has expired. */
  readonly attempt: { readonly client: string; readonly operation: TestOperation } | null;
}

export interface Exploration {
  readonly policy: Policy;
  readonly clients: readonly string[];
  /** What a client may try in a state, good or bad. */
  readonly operations: (client: string, state: TestState) => readonly TestOperation[];
  /** Null, or what is wrong with the state or with the step that led to it. */
  readonly invariant: (state: TestState, step: Step | null) => string | null;
  /** Greatest number of steps of a run. */
  readonly depth: number;
  readonly start?: TestState;
  /** Whether timed entries expire; true if left out. */
  readonly expiry?: boolean;
  /**
   * Whether states that differ only in the order of their entries differ; true if left out. False is faster, and
   * right if no template of policy and operations can match two entries.
   */
  readonly order?: boolean;
  /** Gives up above; 1,000,000 if left out. */
  readonly statesMax?: number;
}

export interface Findings {
  readonly states: number;
  /** False: `statesMax` was reached. */
  readonly isComplete: boolean;
  /** No state at this depth or below was new: everything that can be reached has been seen. */
  readonly isExhausted: boolean;
  readonly violation: { readonly problem: string; readonly steps: readonly string[] } | null;
}

interface Node {
  readonly state: TestState;
  readonly from: Node | null;
  readonly label: string;
}

interface Successor {
  readonly state: TestState;
  readonly step: Step;
}

function isMentioned(id: bigint, state: TestState): boolean {
  return state.entries.some(({ tuple }) => tuple.includes(Number(id)));
}

/** Ids take part only where a tuple holds one, as a fencing token. */
function keyOf(state: TestState, isOrdered: boolean): string {
  const keys = state.entries.map(({ id, tuple, owner, deadline }) => {
    const fields = tuple.map((field) => toHex(encodeField(field))).join('.');
    const mentioned = isMentioned(id, state) ? String(id) : '';
    return `${fields}/${owner}/${deadline === null ? '' : 'timed'}/${mentioned}`;
  });
  if (!isOrdered) keys.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return keys.join('|');
}

function pathTo(node: Node): readonly string[] {
  const steps: string[] = [];
  for (let one: Node | null = node; one !== null && one.from !== null; one = one.from) steps.push(one.label);
  return steps.reverse();
}

function* successors(plan: Exploration, before: TestState): Generator<Successor> {
  for (const client of plan.clients) {
    for (const operation of plan.operations(client, before)) {
      const { state } = attempt(plan.policy, before, client, operation);
      if (state !== before) yield { state, step: { before, attempt: { client, operation } } };
    }
  }
  if (plan.expiry === false) return;
  for (const entry of before.entries) {
    if (entry.deadline !== null) yield { state: expire(before, entry), step: { before, attempt: null } };
  }
}

function labelOf({ before, attempt: made }: Step, state: TestState): string {
  if (made !== null) return `${made.client}: ${showOperation(made.operation)}`;
  const gone = before.entries.find((entry) => !state.entries.includes(entry));
  return `expired: ${showFields(gone?.tuple ?? [])}`;
}

/** Explores; stops at the first violation. */
export function explore(plan: Exploration): Findings {
  const isOrdered = plan.order ?? true;
  const statesMax = plan.statesMax ?? 1_000_000;
  const start: Node = { state: plan.start ?? emptyState, from: null, label: '' };
  const seen = new Set([keyOf(start.state, isOrdered)]);
  const broken = plan.invariant(start.state, null);
  const end = (isComplete: boolean, isExhausted: boolean, violation: Findings['violation']): Findings => ({
    ...{ states: seen.size, isComplete, isExhausted, violation },
  });
  if (broken !== null) return end(true, false, { problem: broken, steps: [] });
  let frontier: readonly Node[] = [start];
  for (let depth = 0; depth < plan.depth && frontier.length > 0; depth++) {
    const next: Node[] = [];
    for (const node of frontier) {
      for (const { state, step } of successors(plan, node.state)) {
        const problem = plan.invariant(state, step);
        if (problem !== null)
          return end(true, false, { problem, steps: [...pathTo(node), labelOf(step, state)] });
        const key = keyOf(state, isOrdered);
        if (seen.has(key)) continue;
        if (seen.size >= statesMax) return end(false, false, null);
        seen.add(key);
        next.push({ state, from: node, label: labelOf(step, state) });
      }
    }
    frontier = next;
  }
  return end(true, frontier.length === 0, null);
}

/** Throws an Error that prints the shortest run to the first violation; answers what was explored if none. */
export function expectInvariant(plan: Exploration): Findings {
  const findings = explore(plan);
  const { violation, isComplete, states } = findings;
  if (violation !== null) {
    const steps = violation.steps.map((step, i) => `  ${i + 1}. ${step}`);
    throw new Error([`${violation.problem}, after`, ...steps].join('\n'));
  }
  if (!isComplete) throw new Error(`more than ${states} states: fewer clients, operations or steps`);
  return findings;
}
