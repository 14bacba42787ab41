/** What a checker throws: the property that was broken, and how. A simulation stops at the first one. */
export type ViolationKind = 'crash' | 'safety' | 'liveness';

export class Violation extends Error {
  override readonly name = 'Violation';
  readonly kind: ViolationKind;
  /** Name of the checker that noticed. */
  readonly checker: string;

  constructor(kind: ViolationKind, checker: string, message: string) {
    super(message);
    this.kind = kind;
    this.checker = checker;
  }
}

export function violated(checker: string, message: string): never {
  throw new Violation('safety', checker, message);
}
