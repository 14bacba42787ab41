/**
 * The weak consensus object of PEATS (Bessani et al., TPDS'09, section 5): wait-free, for any number of clients
 * of which any number misbehave.
 *
 * Tuples
 *   ['DECISION', value]   the first one stays for ever
 *
 * Guarantees, whatever clients do
 *   - Agreement: there is at most one decision, and everybody reads the same.
 *   - Validity: somebody proposed it. (Weak: a client that misbehaves may have been the one.)
 *   - Termination: `cas((DECISION, any), (DECISION, v))` decides, or answers what was decided.
 */
import { any, definePolicy } from 'theodora/policy';

export default definePolicy({
  cas: ({ template, tuple, lease, readers, takers }) => {
    const isDecision = tuple.length === 2 && tuple[0] === 'DECISION';
    const isForAny = template.length === 2 && template[0] === 'DECISION' && template[1] === any;
    return isDecision && isForAny && lease === null && readers === null && takers === null;
  },
  rdp: true,
  rd: true,
});
