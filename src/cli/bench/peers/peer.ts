/** A peer, from Debian's packages to a running cluster of three servers on this machine. */
import type { TargetPlace } from '../messages.js';

export interface RunningPeer {
  readonly target: TargetPlace;
  /** Package and version; null for Theodora, which is this one. */
  readonly version: string | null;
  /** Throws if a server has ended. */
  check(): void;
  stop(): Promise<void>;
}

/** A peer that cannot be measured here, and why. */
export interface MissingPeer {
  readonly missing: string;
}

export const serverCount = 3;
