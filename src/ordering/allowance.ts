/**
 * Allowances that fill up with time (token buckets), one for each peer or client: what may be spent on somebody who may be
 * faulty. Plain data, bounded: of too many the one that has not been charged for longest is forgotten.
 */
export interface AllowanceRule {
  readonly perSecond: number;
  readonly burst: number;
  readonly keysMax: number;
}

interface Account {
  left: number;
  filledMs: number;
}

export interface Allowances<K> {
  readonly rule: AllowanceRule;
  /** Those charged longest ago first. */
  readonly accounts: Map<K, Account>;
}

export const createAllowances = <K>(rule: AllowanceRule): Allowances<K> => ({ rule, accounts: new Map() });

const leftOf = ({ perSecond, burst }: AllowanceRule, { left, filledMs }: Account, nowMs: number): number =>
  Math.min(burst, left + ((nowMs - filledMs) * perSecond) / 1_000);

/** Whether something is left of it. */
export function isAllowed<K>({ rule, accounts }: Allowances<K>, key: K, nowMs: number): boolean {
  const account = accounts.get(key);
  return account === undefined || leftOf(rule, account, nowMs) > 0;
}

/** The last charge may go below zero. */
export function charge<K>({ rule, accounts }: Allowances<K>, key: K, cost: number, nowMs: number): void {
  const account = accounts.get(key);
  const left = account === undefined ? rule.burst : leftOf(rule, account, nowMs);
  accounts.delete(key);
  accounts.set(key, { left: left - cost, filledMs: nowMs });
  if (accounts.size <= rule.keysMax) return;
  for (const oldest of accounts.keys()) return void accounts.delete(oldest);
}
