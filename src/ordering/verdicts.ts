/**
 * Slow checks (dealings, repairs): the verdict is a pure function of the bytes, asked for before PREPARE
 * and needed before the batch executes, so that milliseconds of cryptography stay off the event loop.
 */
import type { Digest } from '../base/index.js';
import { decodeEnvelope } from '../codec/index.js';
import type { Core } from './core.js';
import type { Body } from './slot.js';

/** Operations of a body that need a verdict, by digest of the checked bytes. */
function checksOf(core: Core, body: Body): Map<Digest, Uint8Array> {
  const checks = new Map<Digest, Uint8Array>();
  for (const bytes of body.batch.envelopes) {
    const envelope = decodeEnvelope(bytes);
    if (envelope === null || envelope.body.kind !== 'requests') continue;
    for (const operation of envelope.body.operations) {
      const check = core.stateMachine.slowCheck(operation);
      if (check !== null) checks.set(core.authenticator.hash(check), check);
    }
  }
  return checks;
}

export function requestVerdicts(core: Core, body: Body): void {
  for (const [check, bytes] of checksOf(core, body)) {
    if (core.verdicts.has(check)) continue;
    core.verdicts.set(check, undefined);
    core.outputs.push({ kind: 'verify', check, bytes });
  }
}

/** True once every verdict that the body needs is in; asks for those that are missing. */
export function hasVerdicts(core: Core, body: Body): boolean {
  requestVerdicts(core, body);
  for (const check of checksOf(core, body).keys()) if (core.verdicts.get(check) === undefined) return false;
  return true;
}

/** Verdict for one operation; true where none is needed. */
export function verdictOf(core: Core, operation: Uint8Array): boolean {
  const check = core.stateMachine.slowCheck(operation);
  return check === null || core.verdicts.get(core.authenticator.hash(check)) === true;
}

/** Verdicts can be asked for again, so those of an executed batch are dropped. */
export function dropVerdicts(core: Core, body: Body): void {
  if (core.verdicts.size === 0) return;
  for (const check of checksOf(core, body).keys()) core.verdicts.delete(check);
}
