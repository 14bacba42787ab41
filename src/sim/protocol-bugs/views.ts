/** Bugs in view changes: what a VIEW-CHANGE says, and what is believed of it. */
import type { PeerMessage } from '../../codec/index.js';
import { believing, configured, withoutSignatures } from '../defences/removals.js';
import { around, bug, oneIsEnoughFor, type Core, type ProtocolBug } from './bug.js';

/** What a replica knows about a number, as far as P and Q go. */
interface Slot {
  readonly sequenceNumber: number;
  prepared: object | null;
  readonly prePrepared: Map<string, number>;
}

/** Does something with each slot when the replica leaves or enters a view. */
const atViews = (
  when: 'leaving' | 'entering',
  change: (slot: Slot, core: Core) => void,
): ReturnType<typeof around> =>
  around((core) => {
    let wasActive = core.isActive;
    return {
      // A replica leaves a view within a step, and tells what it prepared in the same: what is wrong is so before.
      before: (input) => {
        if (when === 'leaving')
          for (const slot of core.log.slots.values() as Iterable<Slot>) change(slot, core);
        return input;
      },
      after: () => {
        if (when === 'entering' && core.isActive && !wasActive)
          for (const slot of core.log.slots.values() as Iterable<Slot>) change(slot, core);
        wasActive = core.isActive;
      },
    };
  });

const forget = (slot: Slot): void => {
  slot.prepared = null;
  slot.prePrepared.clear();
};

/** P names what was prepared first. */
const firstPrepared = around((core) => {
  const first = new Map<number, Slot['prepared']>();
  return {
    after: () => {
      for (const slot of core.log.slots.values() as Iterable<Slot>) {
        const number = slot.sequenceNumber;
        const known = first.get(number) ?? slot.prepared;
        if (known === null) continue;
        first.set(number, known);
        slot.prepared = known;
      }
    },
  };
});

/** Only what the current view has assigned. */
const lastAccepted = (slot: Slot): void => {
  const [latest] = [...slot.prePrepared].sort((a, b) => b[1] - a[1]);
  slot.prePrepared.clear();
  if (latest !== undefined) slot.prePrepared.set(...latest);
};

const isAhead = (core: Core, message: PeerMessage): boolean =>
  message.kind === 'viewChange' && message.view > core.view;

const deafToOthers = around((core) => ({
  before: (input) =>
    input.kind === 'message' && isAhead(core, input.message) ? { kind: 'tick', nowMs: core.nowMs } : input,
}));

const agelessVotes = around(() => ({
  before: (input) => {
    if (input.kind !== 'message' || input.message.kind !== 'viewChange') return input;
    const { message } = input;
    const first = message.prepared.map((entry) => ({ ...entry, view: 0 as typeof entry.view }));
    return { ...input, message: { ...message, prepared: first } };
  },
}));

/** The new primary's own choice is believed too. */
const strangeChoice = around((core) => ({
  before: (input) => {
    if (input.kind !== 'message' || input.message.kind !== 'newView') return input;
    return { ...input, from: core.config.id };
  },
}));

export const viewBugs: readonly ProtocolBug[] = [
  bug('forgotten-votes', 'VIEW-CHANGE leaves out P and Q', () => atViews('leaving', forget)),
  bug('forgotten-p', 'VIEW-CHANGE leaves out P', () => atViews('leaving', (slot) => (slot.prepared = null))),
  bug('forgotten-q', 'VIEW-CHANGE leaves out Q', () =>
    atViews('leaving', (slot) => slot.prePrepared.clear()),
  ),
  bug('views-forget', 'P and Q do not survive a new view', () => atViews('entering', forget)),
  bug('executed-is-done', 'VIEW-CHANGE leaves out what its sender has executed', () =>
    atViews('leaving', (slot, core) => {
      if (slot.sequenceNumber <= core.log.lastExecuted) forget(slot);
    }),
  ),
  bug('first-prepared', 'P keeps what was prepared first, not last', () => firstPrepared),
  bug('one-digest', 'Q keeps the latest digest of a number alone', () => atViews('leaving', lastAccepted)),
  bug('ageless-p', 'the views in the P of others are not looked at', () => agelessVotes),
  bug('believed-new-view', 'a NEW-VIEW is believed whatever it chooses', () => strangeChoice),
  bug('believed-view-change', 'a VIEW-CHANGE is believed whatever it says', () => believing('viewChange')),
  bug('unsigned-view-changes', 'signatures of VIEW-CHANGE and NEW-VIEW are not looked at', () =>
    withoutSignatures('view-change', 'new-view'),
  ),
  bug('joins-anyone', 'a view is left as soon as one other has left it', () => oneIsEnoughFor('viewChange')),
  bug('joins-nobody', 'whoever is in a lower view does not hear of higher ones', () => deafToOthers),
  bug('no-patience', 'timeouts are capped at a millisecond', () => configured({ viewChangeTimeoutMaxMs: 1 })),
];
