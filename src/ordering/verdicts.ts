/**
 * Slow checks (dealings, repairs): the verdict is a pure function of the bytes, asked for before PREPARE
 * and needed before the batch executes, so that milliseconds of cryptography stay off the event loop.
 */
import type { Digest } from '../base/index.js';
import type { Core } from './core.js';
import type { Body } from './slot.js';

/** A keep-alive is no operation of the state machine. */
const bytesToJudge = (core: Core, operation: Uint8Array): Uint8Array | null =>
  operation.length === 0 ? null : core.stateMachine.slowCheck(operation);

/** What the body's operations need judged, by digest of the checked bytes. */
function checksOf(core: Core, body: Body): ReadonlyMap<Digest, Uint8Array> {
  if (body.checks !== null) return body.checks;
  const checks = new Map<Digest, Uint8Array>();
  for (const envelope of body.envelopes) {
    if (envelope.body.kind !== 'requests') continue;
    for (const operation of envelope.body.operations) {
      const bytes = bytesToJudge(core, operation);
      if (bytes !== null) checks.set(core.authenticator.hash(bytes), bytes);
    }
  }
  body.checks = checks;
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

/** Verdict for one operation of a body; true where none is needed. */
export function verdictOf(core: Core, body: Body, operation: Uint8Array): boolean {
  if (checksOf(core, body).size === 0) return true;
  const bytes = bytesToJudge(core, operation);
  return bytes === null || core.verdicts.get(core.authenticator.hash(bytes)) === true;
}

/** Checks of an executed body that the bytes did not pass. */
export function failedChecksOf(core: Core, body: Body): Digest[] {
  return [...checksOf(core, body).keys()].filter((check) => core.verdicts.get(check) !== true);
}

/** As `failedChecksOf` told when the body was executed before. */
export function recallVerdicts(core: Core, body: Body, failed: readonly Digest[]): void {
  for (const check of checksOf(core, body).keys()) core.verdicts.set(check, !failed.includes(check));
}

/** Verdicts can be asked for again, so those of an executed batch are dropped. */
export function dropVerdicts(core: Core, body: Body): void {
  for (const check of checksOf(core, body).keys()) core.verdicts.delete(check);
}
