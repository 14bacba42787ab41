/**
 * Why a module is not accepted as a policy: the rule of the allow-list that it breaks, what to write instead,
 * and where. For people: replicas agree on whether a module is accepted, not on these words.
 */
import type { Node } from 'acorn';

/** The rules of the allow-list, in docs/guide/policies.md. */
export type CheckRule =
  | 'size'
  | 'nesting'
  | 'syntax'
  | 'import'
  | 'export'
  | 'policy'
  | 'rule'
  | 'declaration'
  | 'assignment'
  | 'function'
  | 'recursion'
  | 'call'
  | 'name'
  | 'member'
  | 'index'
  | 'operator'
  | 'literal'
  | 'pattern'
  | 'statement'
  | 'evaluation';

export interface PolicyProblem {
  readonly code: 'POLICY_INVALID';
  /** The rule that is broken. */
  readonly rule: CheckRule;
  /** What is wrong and what to do instead. */
  readonly message: string;
  /** In the compiled module, both from 1. */
  readonly line: number;
  readonly column: number;
}

/** Carries a problem out of the compiler; never leaves this room. */
export class Violation extends Error {
  readonly problem: PolicyProblem;

  constructor(rule: CheckRule, message: string, line: number, column: number) {
    super(message);
    this.problem = { code: 'POLICY_INVALID', rule, message, line, column };
  }
}

/** Refuses the module because of this node. */
export function refuse(rule: CheckRule, node: Node, message: string): never {
  throw new Violation(rule, message, node.loc?.start.line ?? 1, (node.loc?.start.column ?? 0) + 1);
}
