/**
 * One space with its guards, as naively as possible: a list of entries, the lists of names and quotas of its
 * configuration, and its policy, asked on a view that is nothing but that list. Shares no code with src/space and
 * src/service, which it is held against; of src/policy only the evaluation.
 */
import type { ClientName } from '../../base/index.js';
import { encodeResult, encodeTuple } from '../../codec/index.js';
import type {
  Access,
  Entry,
  EventKind,
  PolicyChange,
  Quota,
  Result,
  SpaceConfig,
  SpaceDescription,
  SpaceOperation,
  Template,
  Tuple,
} from '../../codec/index.js';
import { policyStepsMax } from '../../policy/index.js';
import type { Policy, PolicyAttempt, PolicyLookups, RuleName } from '../../policy/index.js';
import { isMatch } from './tuple-space-model.js';
import { oldestHeld } from './waiting.js';
import type { ModelEvent, WaitLimits } from './waiting.js';

export type Refusal = Extract<Result, { readonly kind: 'refused' }>;
export type Guarded = Exclude<SpaceOperation, { readonly kind: 'cancel' | 'spaceKey' | 'repair' }>;

export function refusal(code: Refusal['code'], detail = 0, subject?: string): Refusal {
  return { kind: 'refused', code, detail, ...(subject === undefined ? {} : { subject }) };
}

/** What a result may be long, encoded; simulated clusters have the default. */
const resultBytesMax = 2 << 20;

/** The first of them, or all if `limit` is 0; refused if they are too large for one result. */
export function fitting(found: readonly Entry[], limit: number): Result {
  const entries = found.slice(0, limit || undefined);
  const isTooLarge = (count: number): boolean =>
    encodeResult({ kind: 'entries', entries: entries.slice(0, count) }).length > resultBytesMax;
  let fit = entries.length;
  while (isTooLarge(fit)) fit -= 1;
  return fit < entries.length ? refusal('RESULT_TOO_LARGE', fit) : { kind: 'entries', entries };
}

/** For messages. */
export function shown(result: Result | null): string {
  if (result === null) return 'it waits';
  return JSON.stringify(result, (_key, value: unknown) =>
    typeof value === 'bigint' ? `${value}` : value instanceof Uint8Array ? `${value.length} bytes` : value,
  );
}

export const mayRead = ({ readers }: Access, name: ClientName): boolean => readers?.includes(name) ?? true;
export const mayTake = ({ takers }: Access, name: ClientName): boolean => takers?.includes(name) ?? true;

const reading = new Set<RuleName>(['rdp', 'rd', 'rdAll', 'count', 'subscribe']);

/** The lists that the client of an operation has to be on. */
function listsOf(kind: RuleName): readonly ('insert' | 'readers' | 'takers')[] {
  if (kind === 'replace') return ['insert', 'takers'];
  if (reading.has(kind)) return ['readers'];
  return kind === 'inp' || kind === 'in' || kind === 'inAll' ? ['takers'] : ['insert'];
}

const bytesOf = (entries: readonly { readonly tuple: Tuple }[]): number =>
  entries.reduce((sum, { tuple }) => sum + encodeTuple(tuple).length, 0);

export class GuardedSpace {
  readonly name: string;
  readonly #events: ModelEvent[] = [];
  readonly #firstEvent: number;
  /** Oldest first. */
  entries: readonly Entry[] = [];
  #config: SpaceConfig;
  #policy: Policy | null;
  #changes: readonly PolicyChange[];

  constructor(
    name: string,
    firstEvent: number,
    config: SpaceConfig,
    policy: Policy | null,
    change: PolicyChange,
  ) {
    this.name = name;
    this.#firstEvent = firstEvent;
    this.#config = config;
    this.#policy = policy;
    this.#changes = [change];
  }

  get events(): readonly ModelEvent[] {
    return this.#events;
  }

  get nextEvent(): number {
    return this.#firstEvent + this.#events.length;
  }

  oldestEvent(limits: WaitLimits): number {
    return this.#firstEvent - 1 + oldestHeld(this.#events.length, limits);
  }

  note(kind: EventKind, entry: Entry): void {
    this.#events.push({ sequence: this.nextEvent, kind, entry });
  }

  get config(): SpaceConfig {
    return this.#config;
  }

  get policyDigest(): PolicyChange['digest'] {
    return this.#changes.at(-1)!.digest;
  }

  setPolicy(text: string | null, policy: Policy | null, change: PolicyChange): void {
    this.#config = { ...this.#config, policy: text };
    this.#policy = policy;
    this.#changes = [...this.#changes, change].slice(-64);
  }

  describe(waits: number, subscriptions: number): SpaceDescription {
    const { quota, clientQuota } = this.#config;
    const isCounted = quota.bytes !== null || clientQuota.bytes !== null;
    return {
      name: this.name,
      entries: this.entries.length,
      policyDigest: this.policyDigest,
      config: this.#config,
      bytes: isCounted ? bytesOf(this.entries) : null,
      waits,
      subscriptions,
      changes: this.#changes,
      keyOrigin: null,
    };
  }

  matches(template: Template): readonly Entry[] {
    return this.entries.filter(({ tuple }) => isMatch(template, tuple));
  }

  /** What a rule for `renew` is asked about, and what is renewed. */
  renewable(template: Template, name: ClientName): Entry | null {
    const timed = this.matches(template).filter(({ deadline }) => deadline !== null);
    const isDecided = this.#policy?.decides('renew') ?? false;
    return timed.find((entry) => (isDecided ? mayRead(entry, name) : entry.owner === name)) ?? null;
  }

  listRefusal(kind: RuleName, name: ClientName): Refusal | null {
    const missing = listsOf(kind).find((list) => this.#config[list]?.includes(name) === false);
    return missing === undefined ? null : refusal('ACL_DENIED', 0, missing);
  }

  /**
   * What the policy may say: one thing, but where the steps of its lookups decide whether it is within its budget. How
   * many entries a lookup looks at is an index's business; none at least, all at most.
   */
  verdicts(attempt: PolicyAttempt): readonly (Refusal | null)[] {
    const most = this.#verdict(attempt, this.entries.length);
    if (most?.code !== 'POLICY_BUDGET') return [most];
    const least = this.#verdict(attempt, 0);
    return least?.code === 'POLICY_BUDGET' ? [most] : [least, most];
  }

  /** Whether the tuple may be inserted once `leaving` is gone. */
  roomRefusal(tuple: Tuple, owner: ClientName, leaving: Entry | null): Refusal | null {
    const { quota, clientQuota } = this.#config;
    const all = this.entries.filter((entry) => entry !== leaving);
    const own = all.filter((entry) => entry.owner === owner);
    return checkQuota(quota, all, tuple, '') ?? checkQuota(clientQuota, own, tuple, 'client-');
  }

  #verdict(attempt: PolicyAttempt, candidates: number): Refusal | null {
    if (this.#policy === null) return null;
    const verdict = this.#policy.evaluate(attempt, this.#lookups(candidates), policyStepsMax);
    return verdict.kind === 'allowed' ? null : refusal(verdict.code, 0, verdict.rule);
  }

  #lookups(candidates: number): PolicyLookups {
    return {
      rdp: (template, charge) => {
        charge(candidates);
        return this.matches(template)[0] ?? null;
      },
      rdAll: (template, limit, charge) => {
        charge(candidates);
        return this.matches(template).slice(0, limit === 0 ? undefined : limit);
      },
      count: (template, charge) => {
        charge(candidates);
        return this.matches(template).length;
      },
    };
  }
}

function checkQuota(
  { entries, bytes }: Quota,
  there: readonly Entry[],
  tuple: Tuple,
  whose: string,
): Refusal | null {
  if (entries !== null && there.length >= entries)
    return refusal('QUOTA_EXCEEDED', entries, `${whose}entries`);
  if (bytes === null || bytesOf([...there, { tuple }]) <= bytes) return null;
  return refusal('QUOTA_EXCEEDED', bytes, `${whose}bytes`);
}

/** What a policy is told of an operation. */
export function attemptFor(
  space: GuardedSpace,
  operation: Guarded,
  invoker: ClientName,
  time: number,
): PolicyAttempt {
  const attempt = { operation: operation.kind, invoker, time };
  switch (operation.kind) {
    case 'out': {
      const { tuple, lease, readers = null, takers = null } = operation;
      return { ...attempt, tuple, lease, readers, takers };
    }
    case 'cas':
    case 'replace': {
      const { template, tuple, lease, readers = null, takers = null } = operation;
      return { ...attempt, template, tuple, lease, readers, takers };
    }
    case 'renew': {
      const { template, lease } = operation;
      const entry = space.renewable(template, invoker);
      return { ...attempt, template, lease, tuple: entry?.tuple ?? null, owner: entry?.owner ?? null };
    }
    case 'rdAll':
    case 'inAll':
      return { ...attempt, template: operation.template, limit: operation.limit };
    default:
      return { ...attempt, template: operation.template };
  }
}
