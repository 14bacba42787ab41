/** Calls as they go to the service and come back: fingerprints and shares where a space is confidential. */
import type { EntryEvent, Operation } from '../codec/index.js';
import type { Answer } from './answer.js';
import type { CallOptions } from './options.js';
import type { BoundOperation, Shares } from './protocol.js';
import type { Subscription, ToldEvent } from './subscription.js';
import type { WaitEvents, WaitOperation } from './waits.js';

export type SubscribeOperation = Extract<Operation, { readonly kind: 'subscribe' }>;

export interface RawCaller {
  call(operation: Operation, isFastRead: boolean, options: CallOptions | undefined): Promise<Answer>;
  /** `name`: of the operation. */
  callBound(name: string, operation: BoundOperation, options: CallOptions | undefined): Promise<Answer>;
  wait(operation: WaitOperation, events: WaitEvents): Promise<Answer>;
  subscribe<E>(
    /** What is subscribed to; asked again when the session is lost. */
    begin: () => SubscribeOperation | Promise<SubscribeOperation>,
    from: number | null,
    signal: AbortSignal | undefined,
    toEvent: (sequence: number, event: EntryEvent, shares: Shares | undefined) => ToldEvent<E>,
  ): Subscription<E>;
}
