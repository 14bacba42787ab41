/** Deliberate bugs of one coordinator, for canaries: they change what passes between it and the service or its replica. */
import type { Space } from '../../client/index.js';

export interface RedTampering {
  /** What the coordinator says in vain. */
  readonly drops?: (line: string) => boolean;
  /** What the database believes that it needs to stop. */
  readonly databaseMarginMs?: number;
  /** In place of a method of the space. */
  readonly space?: (space: Space) => Partial<Space>;
}

export function tamperedSpace(space: Space, { space: changed }: RedTampering): Space {
  if (changed === undefined) return space;
  const changes = changed(space) as Record<string | symbol, unknown>;
  return new Proxy(space, {
    get: (target, name) => {
      const value: unknown = changes[name] ?? Reflect.get(target, name, target);
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
    },
  });
}
