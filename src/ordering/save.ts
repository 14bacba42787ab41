/**
 * The state on disk: that of the newest stable checkpoint, as soon as the last one is written. Only what a saved state
 * covers leaves the vote log (DESIGN section 6).
 */
import { assert, type SequenceNumber } from '../base/index.js';
import type { Core } from './core.js';

/** Hands over the state of the low watermark, unless it is saved already or another one is on its way. */
export function saveStable(core: Core): void {
  const certificate = core.log.stable;
  const { sequenceNumber } = certificate;
  if (core.isReplaying || core.saving !== null || sequenceNumber <= core.saved) return;
  const snapshot = core.snapshots.get(sequenceNumber);
  assert(snapshot !== undefined, 'the state of the low watermark is held');
  core.saving = sequenceNumber;
  const { ordering, application } = snapshot;
  core.outputs.push({ kind: 'saveState', state: { certificate, ordering, application } });
}

export function onStateSaved(core: Core, sequenceNumber: SequenceNumber): void {
  assert(sequenceNumber === core.saving, `state ${sequenceNumber} was not to be saved`);
  core.saving = null;
  core.saved = sequenceNumber;
  core.outputs.push({ kind: 'truncate', sequenceNumber });
  saveStable(core);
}
