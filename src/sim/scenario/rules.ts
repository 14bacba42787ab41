/** What a scenario does to messages on links: drop, delay, hold back, or keep a copy of what matches. */
import type { Packet } from '../world-ports.js';
import type { World } from '../world.js';
import type { Command } from './script.js';
import { parseDurationUs, parseInteger, parseNodes } from './script.js';

export type RuleAction = 'drop' | 'delay' | 'hold' | 'capture';

interface Rule {
  readonly action: RuleAction;
  readonly name: string | null;
  readonly matches: (packet: Packet) => boolean;
  readonly delayUs: number;
  /** How many packets it still applies to. */
  left: number;
}

export class Rules {
  readonly #world: World;
  #rules: Rule[] = [];
  /** Held and captured packets, by name, oldest first. */
  readonly #kept = new Map<string, Packet[]>();

  constructor(world: World) {
    this.#world = world;
    world.filter = (packet) => this.#apply(packet);
  }

  add(action: RuleAction, command: Command): void {
    const { options, line } = command;
    const count = options.get('count');
    this.#rules.push({
      action,
      name: options.get('as') ?? null,
      matches: matcher(command, this.#world.n),
      delayUs: action === 'delay' ? parseDurationUs(options.get('by') ?? '0ms', line) : 0,
      left: count === undefined ? Infinity : parseInteger(count, line),
    });
  }

  /** Ends the rule of this name, or all. What is held stays held. */
  clear(name: string | undefined): void {
    this.#rules = name === undefined ? [] : this.#rules.filter((rule) => rule.name !== name);
  }

  kept(name: string): readonly Packet[] {
    return this.#kept.get(name) ?? [];
  }

  /** Delivers what was held or captured under this name, once more or for the first time. */
  release(name: string, to: readonly number[] | null): number {
    const packets = this.kept(name).filter((packet) => to === null || to.includes(packet.to));
    for (const packet of packets) this.#world.simulator.schedule(1, packet.deliver);
    return packets.length;
  }

  #apply(packet: Packet): boolean {
    for (const rule of this.#rules) {
      if (rule.left <= 0 || !rule.matches(packet)) continue;
      rule.left--;
      if (rule.name !== null) this.#keep(rule.name, packet);
      if (rule.action === 'delay') this.#world.simulator.schedule(rule.delayUs, packet.deliver);
      if (rule.action !== 'capture') return true;
    }
    return false;
  }

  #keep(name: string, packet: Packet): void {
    const packets = this.#kept.get(name);
    if (packets === undefined) this.#kept.set(name, [packet]);
    else packets.push(packet);
  }
}

function matcher({ options, line }: Command, n: number): (packet: Packet) => boolean {
  const nodes = (name: string): number[] | null => {
    const text = options.get(name);
    return text === undefined || text === '*' ? null : parseNodes(text, n, line);
  };
  const number = (name: string): number | null => {
    const text = options.get(name);
    return text === undefined ? null : parseInteger(text, line);
  };
  const kinds = options.get('kind')?.split(',') ?? null;
  const [from, to, view, sequenceNumber] = [nodes('from'), nodes('to'), number('view'), number('seq')];
  return ({ from: sender, to: receiver, message }) => {
    const fields = message as { view?: number; sequenceNumber?: number };
    return (
      (kinds?.includes(message.kind) ?? true) &&
      (from?.includes(sender) ?? true) &&
      (to?.includes(receiver) ?? true) &&
      (view === null || fields.view === view) &&
      (sequenceNumber === null || fields.sequenceNumber === sequenceNumber)
    );
  };
}
