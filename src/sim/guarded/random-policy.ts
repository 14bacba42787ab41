/**
 * Random policies: text of a small grammar over everything that rules are given, in which some rules throw, some use up
 * their budget, and some come so near to it that it depends on the space. One draw in so many is no policy at all.
 */
import type { Prng } from '../../base/index.js';
import { ruleNames } from '../../policy/index.js';
import type { RuleName } from '../../policy/index.js';

const given = [
  'invoker',
  'operation',
  'time',
  'tuple',
  'lease',
  'limit',
  'owner',
  'readers',
  'takers',
  'space',
];

const head = `import { any, definePolicy, double, formal, template } from "theodora/policy";
const big = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29];
const config = { seat: 1, list: ["k0", "k1", 7] };
const isOf = (name, kind) => typeof name === "string" && name.startsWith(kind);
`;

const broken = [
  'export default 1;',
  `${head}export default definePolicy({ out: (attempt) => attempt.constructor });`,
  `${head}export default definePolicy({ out: () => Date.now() > 0 });`,
];

export function randomPolicy(random: Prng): string {
  if (random.chance(1, 24)) return random.pick(broken);
  const rules = ruleNames.flatMap((name) => {
    // Lets one wait, and denies the wake.
    if ((name === 'rd' || name === 'in') && random.chance(1, 5))
      return [`${name}: ({ space, template: wanted }) => !space.exists(wanted)`];
    const draw = random.below(10);
    if (draw === 0) return [];
    if (draw < 5) return [`${name}: ${draw > 1}`];
    return [`${name}: ${new RuleWriter(random, name).rule()}`];
  });
  return `${head}export default definePolicy({\n  ${rules.join(',\n  ')},\n});\n`;
}

/** Beyond every budget. */
const endless = 'big.every((a) => big.every((b) => big.every((c) => a + b + c >= 0)))';

const inserting = new Set<RuleName>(['out', 'cas', 'replace']);

class RuleWriter {
  readonly #random: Prng;
  readonly #name: RuleName;

  constructor(random: Prng, name: RuleName) {
    this.#random = random;
    this.#name = name;
  }

  rule(): string {
    const test = this.#test(2);
    const isUsed = (name: string): boolean => new RegExp(`\\b${name}\\b`).test(test);
    const used = given.filter(isUsed);
    if (isUsed('wanted')) used.push('template: wanted');
    return used.length === 0 ? `() => ${test}` : `({ ${used.join(', ')} }) => ${test}`;
  }

  /** True or false, if nothing goes wrong. */
  #test(depth: number): string {
    const draw = depth === 0 ? 0 : this.#random.below(6);
    const test = (): string => this.#test(depth - 1);
    if (draw === 2) return `(${test()} && ${test()})`;
    if (draw === 3) return `(${test()} || ${test()})`;
    if (draw === 4) return `!${test()}`;
    if (draw === 5) return `(${test()} ? ${test()} : ${test()})`;
    return this.#random.pick(this.#atoms())();
  }

  #atoms(): readonly (() => string)[] {
    const general = [
      () => this.#ofInvoker(),
      () => this.#ofTime(),
      () => this.#ofSpace(),
      () => this.#ofAll(),
    ];
    const own = inserting.has(this.#name)
      ? [() => this.#ofTuple(), () => this.#ofTuple(), () => this.#ofLists()]
      : [() => this.#ofTemplate()];
    const wrong = this.#random.chance(1, 4) ? [() => this.#wrong(), () => this.#ofTuple()] : [];
    return [...general, ...own, ...wrong];
  }

  #number(): number {
    return this.#random.below(5);
  }

  #ofInvoker(): string {
    return this.#random.pick([
      'isOf(invoker, "g")',
      'invoker.endsWith("1")',
      '["c0", "g0", "g1", "admin"].includes(invoker)',
      '(invoker < "d")',
      '(`${invoker}!`.slice(0, 2) === "g0")',
      '("x" + invoker !== "xg1")',
      `(invoker.length + ${this.#number()} > 4)`,
      '(operation.startsWith("r") || operation.includes("a"))',
    ]);
  }

  #ofTime(): string {
    return this.#random.pick([
      `(time % ${2 + this.#number()} === 0)`,
      '((time - 1790000000000) * 3 % 7 < 4)',
      '(typeof time === "number")',
      `(time > ${1_790_000_000_000 + this.#number() * 1_000})`,
    ]);
  }

  #ofTuple(): string {
    return this.#random.pick([
      `(tuple[0] === "k${this.#number()}")`,
      '(tuple.length <= 3)',
      `(typeof tuple[1] === "number" && tuple[1] % 3 < ${this.#number()})`,
      '(tuple[2] === invoker || tuple.length < 3)',
      'tuple.some((field) => field === "k1" || field === invoker)',
      'tuple.every((field, i) => i < 3 || typeof field === "string")',
      '(config.list.includes(tuple[0]))',
      '(lease === null || lease <= 6000)',
      '(lease !== null)',
      '(space.count(template(tuple[0], any)) < 3)',
      '!space.exists(template(tuple[0], tuple[1]))',
      '(space.rdp(template(tuple[0], formal.int))?.owner !== invoker)',
    ]);
  }

  #ofLists(): string {
    return this.#random.pick([
      '(readers === null)',
      '(takers === null || takers.includes(invoker))',
      '(readers === null || readers.length < 3)',
    ]);
  }

  #ofTemplate(): string {
    const { length: arity } = this.#random.pick(['12', '123']);
    return this.#random.pick([
      '(wanted[0] !== any)',
      `(wanted.length === ${arity})`,
      '(wanted[1] === formal.int)',
      `(wanted?.[0] === "k${this.#number()}")`,
      '(limit === null || limit < 3)',
      '(owner === null || owner === invoker)',
      '(space.count(wanted) < 4)',
      '!space.exists(wanted)',
      '(space.rdp(wanted)?.owner !== invoker)',
      'space.rdAll(wanted, 2).every(({ deadline }) => deadline !== null)',
    ]);
  }

  #look(): string {
    const first = this.#random.pick(['any', '"k0"', '"k1"', 'formal.string', 'config.seat']);
    const second = this.#random.pick(['any', 'formal.int', 'formal.string', '7', 'double(1)']);
    return `template(${first}, ${second}${this.#random.chance(1, 3) ? ', any' : ''})`;
  }

  #ofSpace(): string {
    const look = this.#look();
    return this.#random.pick([
      `(space.count(${look}) ${this.#random.pick(['<', '>=', '!=='])} ${this.#number()})`,
      `space.exists(${look})`,
      `(space.rdp(${look})?.tuple[1] !== ${this.#number()})`,
      `(space.rdAll(${look}, 3).length < 3)`,
    ]);
  }

  #ofAll(): string {
    const look = this.#look();
    return this.#random.pick([
      `space.rdAll(${look}).some((entry) => entry.owner === invoker)`,
      `space.rdAll(${look}).every(({ id }) => id > 0)`,
      `(space.rdAll(${look}).filter(({ id }) => id % 2 === 0).length < ${1 + this.#number()})`,
      `!space.rdAll(${look}).map(({ tuple: fields }) => fields[0]).includes("k${this.#number()}")`,
      `(space.rdAll(${look}).reduce((sum, { id }) => sum + id, 0) % 3 < 2)`,
      `(space.rdAll(${look}).find(({ owner: whose }) => isOf(whose, "g"))?.id !== 3)`,
    ]);
  }

  /** Throws, spends its budget, or does so from some number of entries on. */
  #wrong(): string {
    if (this.#random.chance(1, 3)) return endless;
    return this.#random.pick([
      '(tuple[9] < 1)',
      '(9007199254740991 + time > 0)',
      '(invoker < 1)',
      '(1 + invoker === "")',
      'config.seat',
      'space.exists(template(config))',
      `big.every((a) => big.every((b) => big.slice(${this.#number()}).every((c) => a + b + c >= 0)))`,
      'big.every((a) => big.every((b) => big.some((c) => a + b + c > 100)))',
      `space.rdAll(${this.#look()}).every(({ id }) => big.every((a) => big.every((b) => a + b + id > 0)))`,
      `big.every((a) => big.every((b) => space.count(${this.#look()}) + a + b >= 0))`,
    ]);
  }
}
