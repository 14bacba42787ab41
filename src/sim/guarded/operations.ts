/** What clients do in spaces with guards: plain tuples that meet, and what the ready policies are about. */
import type { ClientName, Prng } from '../../base/index.js';
import { any, formal, sortedNames } from '../../codec/index.js';
import type {
  Access,
  PlainField,
  Operation,
  SpaceOperation,
  Template,
  TemplateField,
} from '../../codec/index.js';
import type { ReadyPolicy } from './ready-policies.js';

export interface Drawing {
  readonly space: string;
  /** Who asks, and everybody who may be named. */
  readonly name: ClientName;
  readonly names: readonly ClientName[];
  readonly leaseMsMin: number;
  readonly leaseMsMax: number;
  readonly waitMsMax: number;
}

type Kind = SpaceOperation['kind'];
/** `null` in a tuple or template: any; in a tuple it does not occur. */
type Fields = readonly (PlainField | null)[];
type Shape = readonly [kind: Kind, template: Fields, tuple?: readonly PlainField[], isTimed?: boolean];

/** By policy: what it is for, and now and then what it forbids. */
const shapes: Readonly<Record<ReadyPolicy, (me: string, other: string, n: number) => readonly Shape[]>> = {
  lock: (me, other) => [
    ['cas', ['lock', 'x', null], ['lock', 'x', me], true],
    ['cas', ['lock', 'x', other], ['lock', 'x', me], true],
    ['inp', ['lock', 'x', me]],
    ['inp', ['lock', 'x', other]],
    ['renew', ['lock', 'x', me]],
    ['rd', ['lock', 'x', null]],
  ],
  election: (me, other) => [
    ['out', [], ['candidate', 'g', me], true],
    ['cas', ['leader', 'g', null], ['leader', 'g', me], true],
    ['cas', ['leader', 'g', null], ['leader', 'g', other], true],
    ['inp', ['leader', 'g', me]],
    ['renew', ['leader', 'g', me]],
  ],
  barrier: (me, other, n) => [
    ['cas', ['barrier', `b${n}`, null], ['barrier', `b${n}`, 2]],
    ['out', [], ['arrived', `b${n}`, me]],
    ['out', [], ['arrived', `b${n}`, other]],
    ['rdAll', ['arrived', `b${n}`, null]],
  ],
  'append-only': (me, other, n) => [
    ['cas', ['log', n, null, null], ['log', n, me, n]],
    ['cas', ['log', n, null, null], ['log', n, other, n]],
    ['rdAll', ['log', null, null, null]],
  ],
  'weak-consensus': (_me, _other, n) => [
    ['cas', ['DECISION', null], ['DECISION', n]],
    ['out', [], ['DECISION', n]],
    ['rdp', ['DECISION', null]],
  ],
  red: (me, other, n) => [
    ['out', [], ['REPLICA', me, 'STOPPED'], true],
    ['out', [], ['REPLICA', me, 'COPIER'], true],
    ['out', [], ['REPLICA', other, 'COPIER'], true],
    ['inp', ['REPLICA', me, 'STOPPED']],
    ['inp', ['REPLICA', me, 'COPIER']],
    ['cas', ['REPLICA', null, 'WRITER'], ['REPLICA', me, 'WRITER'], true],
    ['cas', ['SYNC', null, null], ['SYNC', n, `/${me}/`]],
    ['replace', ['SYNC', null, null], ['SYNC', n, `/${me}/${other}/`]],
    ['renew', ['REPLICA', me, null]],
  ],
};

const value = (field: PlainField | null): TemplateField =>
  field === null ? any : { kind: 'value', value: field };

/** `ready`: the policy that the space has, as far as the client knows. */
export function drawGuarded(random: Prng, drawing: Drawing, ready: ReadyPolicy | null): Operation {
  if (ready === null || random.chance(1, 3)) return plain(random, drawing);
  const all = shapes[ready](drawing.name, random.pick(drawing.names), random.below(4));
  const [kind, template, tuple = [], isTimed = false] = random.pick(all);
  const lists = random.chance(1, 12) ? listsOf(random, drawing) : {};
  const lease = isTimed ? leaseOf(random, drawing) : null;
  return operationOf(random, drawing, kind, { template: template.map(value), tuple, lease, ...lists });
}

/** An insertion that the template matches. */
export function drawMatch(random: Prng, drawing: Drawing, template: Template): Operation {
  const tuple = template.map((field) => (field.kind === 'value' ? field.value : random.below(8)));
  const { space } = drawing;
  return { kind: 'out', space, tuple, lease: null, ...listsOf(random, drawing, 2) };
}

interface Parts extends Access {
  readonly template: Template;
  readonly tuple: readonly PlainField[];
  readonly lease: number | null;
}

function plain(random: Prng, drawing: Drawing): Operation {
  const kind = random.pick<Kind>([
    ...([
      'out',
      'out',
      'out',
      'out',
      'cas',
      'cas',
      'replace',
      'renew',
      'count',
      'subscribe',
      'subscribe',
    ] as const),
    ...(['rdp', 'rdp', 'inp', 'rdAll', 'inAll', 'rd', 'rd', 'rd', 'in', 'in', 'in'] as const),
  ]);
  const key = `k${random.below(2)}`;
  const isLong = random.chance(1, 4);
  const tuple = [key, random.below(8), ...(isLong ? [random.pick(drawing.names)] : [])];
  const first = random.chance(1, 4) ? any : value(key);
  const template: Template = [first, random.pick([any, formal.int]), ...(isLong ? [any] : [])];
  const lease = random.chance(1, 3) ? leaseOf(random, drawing) : null;
  return operationOf(random, drawing, kind, { template, tuple, lease, ...listsOf(random, drawing) });
}

function operationOf(random: Prng, { space, waitMsMax }: Drawing, kind: Kind, parts: Parts): Operation {
  const { template, ...inserting } = parts;
  switch (kind) {
    case 'out':
      return { kind, space, ...inserting };
    case 'cas':
    case 'replace':
      return { kind, space, template, ...inserting };
    case 'renew':
      return { kind, space, template, lease: parts.lease ?? 4_000 };
    case 'rdAll':
      return { kind, space, template, limit: random.below(4), after: BigInt(random.below(20)) };
    case 'inAll':
      return { kind, space, template, limit: random.below(3) };
    case 'rd':
    case 'in':
      return { kind, space, template, timeout: random.chance(1, 4) ? null : random.between(1, waitMsMax) };
    case 'subscribe':
      return { kind, space, template, from: random.pick([null, 1, random.between(1, 100)]) };
    case 'rdp':
    case 'inp':
    case 'count':
      return { kind, space, template };
    case 'cancel':
    case 'spaceKey':
    case 'repair':
      throw new Error(`a ${kind} is not drawn`);
  }
}

/** Now and then one that is too short. */
function leaseOf(random: Prng, { leaseMsMin, leaseMsMax }: Drawing): number {
  return random.chance(1, 16) ? leaseMsMin - 1 : random.between(leaseMsMin, leaseMsMax);
}

/** Who alone reads and takes, one time in `oneIn`; now and then somebody who is not registered. */
function listsOf(random: Prng, { name, names }: Drawing, oneIn = 4): Access {
  const list = (): readonly ClientName[] => {
    const some = names.filter(() => random.chance(1, 3));
    const all = [...some, ...(random.chance(2, 3) ? [name] : [])];
    return sortedNames(random.chance(1, 30) ? [...all, 'nobody' as ClientName] : all);
  };
  return {
    ...(random.chance(1, oneIn) ? { readers: list() } : {}),
    ...(random.chance(1, oneIn) ? { takers: list() } : {}),
  };
}
