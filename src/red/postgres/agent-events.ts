/** What happens at an agent, for logs and people; and what the parts that it plays share. */
import type { LeaseClock } from '../../client/index.js';
import type { MemberInput } from '../member.js';
import type { MemberId } from '../messages.js';
import type { PostgresServer } from './server.js';

export type AgentEvent =
  /** `writer` once it can be written to. */
  | {
      readonly kind: 'role';
      readonly role: 'stopped' | 'copier' | 'writer';
      readonly token: bigint | null;
    }
  | {
      readonly kind: 'following';
      readonly id: MemberId;
      readonly token: bigint;
      readonly address: string;
    }
  /** The data are new, or another server's. */
  | { readonly kind: 'data'; readonly how: 'initialised' | 'rewound' | 'cloned' }
  | { readonly kind: 'onRecord'; readonly ids: readonly MemberId[] }
  | { readonly kind: 'coordinator'; readonly isConnected: boolean }
  /** Tried again, unless a change of role follows. */
  | { readonly kind: 'problem'; readonly what: string; readonly error: unknown };

/** What a part works with, until its signal is aborted: then it must not call the server any more. */
export interface PartContext {
  readonly own: MemberId;
  readonly server: PostgresServer;
  readonly clock: LeaseClock;
  readonly signal: AbortSignal;
  give(input: MemberInput): void;
  watch(event: AgentEvent): void;
  /** Ends the part: the database is no more what it is to be, or cannot become it. */
  fail(what: string, error: unknown): void;
}

export const codeOf = (error: unknown): unknown => (error as { readonly code?: unknown } | null)?.code;
