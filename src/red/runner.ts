/**
 * Runs a coordinator's state machine on a client and a clock: carries its outputs out, and gives it what comes back. The
 * process's own or simulated ones: nothing here knows the difference. The connection to the database replica is a port.
 */
import { RefusedError, type LeaseClock, type Space } from '../client/index.js';
import { Coordinator } from './coordinator.js';
import { Driver } from './driver.js';
import { formatCoordinatorMessage, parseReplicaLine, type LineProblem } from './messages.js';
import type {
  Answer,
  CoordinatorInput,
  CoordinatorOutput,
  CoordinatorSettings,
  RedOperation,
} from './protocol.js';
import { replicas } from './registry.js';

/** The connection to the database replica, of which there is at most one. */
export interface ReplicaPort {
  /** Without the end of the line. */
  say(line: string): void;
  hangUp(): void;
}

export interface RunnerOptions {
  readonly settings: CoordinatorSettings;
  /** That of the coordinators, with policy/red.ts. */
  readonly space: Space;
  readonly clock: LeaseClock;
  readonly replica: ReplicaPort;
  /** Hears of every role, and of what goes wrong. */
  readonly watch: (event: RunnerEvent) => void;
}

export type RunnerEvent =
  | Extract<CoordinatorOutput, { kind: 'role' }>
  | { readonly kind: 'hangUp'; readonly code: string }
  | { readonly kind: 'malformed'; readonly code: string }
  /** A call of the coordinator's, or its subscription. */
  | { readonly kind: 'refused' | 'failed'; readonly what: string; readonly error: unknown };

/** After a subscription has ended. */
const resubscribeMs = 1_000;

export class CoordinatorRunner {
  readonly #options: RunnerOptions;
  readonly #coordinator: Coordinator;
  readonly #driver: Driver<CoordinatorInput, CoordinatorOutput>;
  readonly #closing = new AbortController();

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#coordinator = new Coordinator(options.settings);
    this.#driver = new Driver(this.#coordinator, options.clock, (output) => this.#carryOut(output));
    void this.#follow();
  }

  get coordinator(): Coordinator {
    return this.#coordinator;
  }

  connected(): void {
    this.#give({ kind: 'connected' });
  }

  disconnected(): void {
    this.#give({ kind: 'disconnected' });
  }

  line(text: string): void {
    const parsed = parseReplicaLine(text);
    if ('message' in parsed) {
      this.#give({ kind: 'message', message: parsed.message });
      return;
    }
    this.malformed(parsed.problem, text);
  }

  /** A line that is no message. */
  malformed(problem: LineProblem, line?: string): void {
    this.#options.watch({ kind: 'malformed', code: problem });
    this.#give({ kind: 'malformed', problem, ...(line === undefined ? {} : { line }) });
  }

  /** Nothing of it happens any more; its tuples expire. */
  close(): void {
    this.#closing.abort();
    this.#driver.stop();
  }

  #give(input: CoordinatorInput): void {
    if (!this.#closing.signal.aborted) this.#driver.give(input);
  }

  #carryOut(output: CoordinatorOutput): void {
    const { replica, watch } = this.#options;
    switch (output.kind) {
      case 'tell':
        replica.say(formatCoordinatorMessage(output.message));
        return;
      case 'hangUp':
        replica.hangUp();
        watch({ kind: 'hangUp', code: output.code });
        return;
      case 'role':
        watch(output);
        return;
      case 'call': {
        const { callId, operation, timeoutMs } = output;
        void this.#answer(operation, timeoutMs).then((answer) =>
          this.#give({ kind: 'answered', callId, answer }),
        );
        return;
      }
    }
  }

  /** Never rejects. */
  async #answer(operation: RedOperation, timeoutMs: number): Promise<Answer> {
    try {
      return await execute(this.#options.space, operation, timeoutMs);
    } catch (error) {
      const kind = error instanceof RefusedError ? 'refused' : 'failed';
      if (!this.#closing.signal.aborted) this.#options.watch({ kind, what: operation.kind, error });
      return error instanceof RefusedError ? { kind: 'refused', code: error.code } : { kind: 'failed' };
    }
  }

  /** Every event of every replica is a reason to look; what happened says the look. */
  async #follow(): Promise<void> {
    const { signal } = this.#closing;
    const { clock, space, watch } = this.#options;
    while (!signal.aborted) {
      try {
        const events = space.subscribe(replicas, { signal });
        await events.started;
        this.#give({ kind: 'changed' });
        for await (const _ of events) this.#give({ kind: 'changed' });
      } catch (error) {
        if (signal.aborted) return;
        watch({ kind: 'failed', what: 'subscribe', error });
        await new Promise<void>((resolve) => clock.after(resubscribeMs, resolve));
      }
    }
  }
}

async function execute(space: Space, operation: RedOperation, timeout: number): Promise<Answer> {
  switch (operation.kind) {
    case 'out': {
      const lease = operation.leaseMs ?? undefined;
      return { kind: 'entry', entry: await space.out(operation.tuple, { lease, timeout }) };
    }
    case 'cas': {
      const lease = operation.leaseMs ?? undefined;
      const { inserted, entry } = await space.cas(operation.template, operation.tuple, { lease, timeout });
      return { kind: 'cas', isInserted: inserted, entry };
    }
    case 'replace':
      return { kind: 'entry', entry: await space.replace(operation.template, operation.tuple, { timeout }) };
    case 'inp':
      return { kind: 'entry', entry: await space.inp(operation.template, { timeout }) };
    case 'rdp':
      return { kind: 'entry', entry: await space.rdp(operation.template, { timeout }) };
    case 'rdAll':
      return { kind: 'entries', entries: await space.rdAll(operation.template, { timeout }) };
    case 'renew':
      return { kind: 'entry', entry: await space.renew(operation.template, operation.leaseMs, { timeout }) };
  }
}
