/** What of a vote log stays true however old it is: the latest record of each group (log-record.ts). */
import type { LogRecord, SlotRecord, StandingRecord } from '../../codec/index.js';

type Group = 'start' | 'view' | 'checkpoint';

function groupOf(record: LogRecord): Group | null {
  switch (record.kind) {
    case 'started':
    case 'voting':
      return 'start';
    case 'viewChange':
    case 'newView':
      return 'view';
    case 'stableCheckpoint':
      return 'checkpoint';
    default:
      return null;
  }
}

export class StandingRecords {
  readonly #latest = new Map<Group, StandingRecord>();

  /** Takes a standing record in place of the last one of its group; gives a slot record back. */
  take(record: LogRecord): SlotRecord | null {
    const group = groupOf(record);
    if (group === null) return record as SlotRecord;
    this.#latest.set(group, record as StandingRecord);
    return null;
  }

  all(): StandingRecord[] {
    const groups: readonly Group[] = ['start', 'view', 'checkpoint'];
    return groups.flatMap((group) => this.#latest.get(group) ?? []);
  }
}
