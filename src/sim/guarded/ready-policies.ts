/**
 * The ready policies of policy/ as the compiler makes them: fixed text, since a simulation compiles nothing and a seed
 * has to mean the same run. A test compares them.
 */
export const readyPolicies = {
  lock: `// lock.ts
import { any, definePolicy } from "theodora/policy";
var leaseMaxMs = 3e5;
var isOwn = (wanted, invoker) => wanted.length === 3 && wanted[0] === "lock" && typeof wanted[1] === "string" && wanted[2] === invoker;
var lock_default = definePolicy({
  cas: ({ invoker, template, tuple, lease, readers, takers }) => {
    const [kind, name, holder] = tuple;
    if (tuple.length !== 3 || kind !== "lock" || typeof name !== "string" || holder !== invoker) return false;
    const isForAnyHolder = template.length === 3 && template[0] === kind && template[1] === name && template[2] === any;
    return isForAnyHolder && lease !== null && lease <= leaseMaxMs && readers === null && takers === null;
  },
  inp: ({ invoker, template }) => isOwn(template, invoker),
  renew: ({ invoker, template, lease }) => isOwn(template, invoker) && lease <= leaseMaxMs,
  rdp: true,
  rd: true,
  rdAll: true,
  count: true,
  subscribe: true
});
export {
  lock_default as default
};
`,
  election: `// election.ts
import { any, definePolicy, template } from "theodora/policy";
var leaseMaxMs = 6e4;
var isOwnTuple = (attempt, kind) => {
  const { invoker, tuple, lease, readers, takers } = attempt;
  const isOwn2 = tuple.length === 3 && tuple[0] === kind && typeof tuple[1] === "string" && tuple[2] === invoker;
  return isOwn2 && lease !== null && lease <= leaseMaxMs && readers === null && takers === null;
};
var isOwn = (wanted, invoker) => wanted.length === 3 && (wanted[0] === "candidate" || wanted[0] === "leader") && wanted[2] === invoker;
var election_default = definePolicy({
  out: (attempt) => {
    const { invoker, tuple, space } = attempt;
    return isOwnTuple(attempt, "candidate") && !space.exists(template("candidate", tuple[1], invoker));
  },
  cas: (attempt) => {
    const { invoker, template: wanted, tuple, space } = attempt;
    const group = tuple[1];
    const isForAnyLeader = wanted.length === 3 && wanted[0] === "leader" && wanted[1] === group && wanted[2] === any;
    if (!isForAnyLeader || !isOwnTuple(attempt, "leader")) return false;
    return space.exists(template("candidate", group, invoker));
  },
  inp: ({ invoker, template: wanted }) => isOwn(wanted, invoker),
  renew: ({ invoker, template: wanted, lease }) => isOwn(wanted, invoker) && lease <= leaseMaxMs,
  rdp: true,
  rd: true,
  rdAll: true,
  count: true,
  subscribe: true
});
export {
  election_default as default
};
`,
  barrier: `// barrier.ts
import { any, definePolicy, template } from "theodora/policy";
var barrier_default = definePolicy({
  cas: ({ template: wanted, tuple, lease, readers, takers }) => {
    const [kind, name, needed] = tuple;
    if (tuple.length !== 3 || kind !== "barrier" || typeof name !== "string") return false;
    if (typeof needed !== "number" || !Number.isSafeInteger(needed) || needed < 1) return false;
    const isForAnyNumber = wanted.length === 3 && wanted[0] === kind && wanted[1] === name && wanted[2] === any;
    return isForAnyNumber && lease === null && readers === null && takers === null;
  },
  out: ({ invoker, tuple, lease, readers, takers, space }) => {
    const [kind, name, id] = tuple;
    if (tuple.length !== 3 || kind !== "arrived" || id !== invoker) return false;
    if (lease !== null || readers !== null || takers !== null) return false;
    return space.exists(template("barrier", name, any)) && !space.exists(template(kind, name, id));
  },
  rdp: true,
  rd: true,
  rdAll: true,
  count: true,
  subscribe: true
});
export {
  barrier_default as default
};
`,
  'append-only': `// append-only.ts
import { any, definePolicy, template } from "theodora/policy";
var append_only_default = definePolicy({
  cas: ({ invoker, template: wanted, tuple, lease, readers, takers, space }) => {
    const [kind, position, author] = tuple;
    if (tuple.length !== 4 || kind !== "log" || author !== invoker) return false;
    if (typeof position !== "number" || !Number.isSafeInteger(position) || position < 0) return false;
    if (wanted.length !== 4 || wanted[0] !== kind || wanted[1] !== position) return false;
    if (wanted[2] !== any || wanted[3] !== any) return false;
    if (lease !== null || readers !== null || takers !== null) return false;
    return position === 0 || space.exists(template("log", position - 1, any, any));
  },
  rdp: true,
  rd: true,
  rdAll: true,
  count: true,
  subscribe: true
});
export {
  append_only_default as default
};
`,
  'weak-consensus': `// weak-consensus.ts
import { any, definePolicy } from "theodora/policy";
var weak_consensus_default = definePolicy({
  cas: ({ template, tuple, lease, readers, takers }) => {
    const isDecision = tuple.length === 2 && tuple[0] === "DECISION";
    const isForAny = template.length === 2 && template[0] === "DECISION" && template[1] === any;
    return isDecision && isForAny && lease === null && readers === null && takers === null;
  },
  rdp: true,
  rd: true
});
export {
  weak_consensus_default as default
};
`,
  red: `// red.ts
import { any, definePolicy, template } from "theodora/policy";
var leaseMaxMs = 6e4;
var writers = template("REPLICA", any, "WRITER");
var syncs = template("SYNC", any, any);
var replica = (id, state) => template("REPLICA", id, state);
var isWriter = (space, id) => space.exists(replica(id, "WRITER"));
var isSeenByAll = ({ readers, takers }) => readers === null && takers === null;
var isReplica = (attempt, state) => {
  const { tuple, lease } = attempt;
  const isWellFormed = tuple.length === 3 && tuple[0] === "REPLICA" && typeof tuple[1] === "string";
  return isWellFormed && tuple[2] === state && lease !== null && lease <= leaseMaxMs && isSeenByAll(attempt);
};
var mayAdmit = (space, invoker, id) => isWriter(space, invoker) || id === invoker && !space.exists(writers);
var isOwnNote = (attempt, kind) => {
  const { invoker, tuple } = attempt;
  return tuple.length === 3 && tuple[0] === kind && tuple[1] === invoker && isSeenByAll(attempt);
};
var mayNote = (attempt) => {
  const { invoker, tuple, lease, space } = attempt;
  const isTimed = lease !== null && lease <= leaseMaxMs;
  if (isOwnNote(attempt, "RELEASE")) return isTimed;
  if (isOwnNote(attempt, "LAG")) return isTimed && isWriter(space, invoker);
  if (!isOwnNote(attempt, "ADDRESS") || lease !== null || typeof tuple[2] !== "string") return false;
  return !space.exists(template("ADDRESS", invoker, any));
};
var mayInsert = (attempt) => {
  const { invoker, tuple, space } = attempt;
  const id = tuple[1];
  if (mayNote(attempt)) return true;
  if (isReplica(attempt, "STOPPED")) return id === invoker && !space.exists(replica(id, "STOPPED"));
  if (!isReplica(attempt, "COPIER") || space.exists(replica(id, "COPIER"))) return false;
  return space.exists(replica(id, "STOPPED")) && mayAdmit(space, invoker, id);
};
var hasReleased = (space, id) => {
  const writer = space.rdp(replica(id, "WRITER"));
  return writer !== null && space.exists(template("RELEASE", id, writer.id));
};
var mayTake = ({ invoker, template: wanted, space }) => {
  const [kind, id, state] = wanted;
  if (wanted.length !== 3 || typeof id !== "string") return false;
  if (kind === "ADDRESS") return id === invoker;
  if (kind !== "REPLICA") return false;
  if (state === "STOPPED") return space.exists(replica(id, "COPIER")) && mayAdmit(space, invoker, id);
  if (state === "COPIER") return id === invoker && isWriter(space, id);
  return state === "WRITER" && id === invoker && hasReleased(space, id);
};
var mayRenew = ({ invoker, template: wanted, lease }) => wanted.length === 3 && wanted[0] === "REPLICA" && wanted[1] === invoker && lease <= leaseMaxMs;
var isMember = (members, id) => typeof members === "string" && members.includes(\`/\${id}/\`);
var isInSync = (space, id) => {
  const sync = space.rdp(syncs);
  return sync === null || isMember(sync.tuple[2], id);
};
var asksForTheWriter = (wanted) => wanted.length === 3 && wanted[0] === "REPLICA" && wanted[1] === any && wanted[2] === "WRITER";
var mayBecomeWriter = (attempt) => {
  const { invoker, template: wanted, tuple, space } = attempt;
  if (!asksForTheWriter(wanted) || !isReplica(attempt, "WRITER") || tuple[1] !== invoker) return false;
  return space.exists(replica(invoker, "COPIER")) && isInSync(space, invoker);
};
var maySync = (attempt) => {
  const { invoker, template: wanted, tuple, lease, space } = attempt;
  const isForSync = wanted.length === 3 && wanted[0] === "SYNC" && wanted[1] === any && wanted[2] === any;
  if (!isForSync || tuple.length !== 3 || tuple[0] !== "SYNC") return false;
  if (lease !== null || !isSeenByAll(attempt) || !isMember(tuple[2], invoker)) return false;
  return space.rdp(replica(invoker, "WRITER"))?.id === tuple[1];
};
var red_default = definePolicy({
  out: mayInsert,
  inp: mayTake,
  cas: (attempt) => mayBecomeWriter(attempt) || maySync(attempt),
  replace: maySync,
  renew: mayRenew,
  rdp: true,
  rd: true,
  rdAll: true,
  count: true,
  subscribe: true
});
export {
  red_default as default
};
`,
} as const;

export type ReadyPolicy = keyof typeof readyPolicies;
export const readyPolicyNames = Object.keys(readyPolicies) as readonly ReadyPolicy[];
