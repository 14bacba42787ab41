/** What recipes put in front of their tuples, and checks of what users hand in. */
import { InvalidInputError, type Field } from '../client/index.js';

/** First field of the tuples of each recipe; README of the guide: docs/guide/recipes.md. */
export const tags = {
  lock: 'theodora.lock',
  election: 'theodora.election',
  barrier: 'theodora.barrier',
  barrierOpen: 'theodora.barrier-open',
  queue: 'theodora.queue',
  membership: 'theodora.membership',
} as const;

const nameUnitsMax = 256;

/** @throws InvalidInputError RECIPE_NAME_INVALID. */
export function checkName(name: unknown): string {
  if (typeof name === 'string' && name.length >= 1 && name.length <= nameUnitsMax) return name;
  const message = `the name of a recipe is a string of 1 to ${nameUnitsMax} characters`;
  throw new InvalidInputError('RECIPE_NAME_INVALID', message, { name });
}

const defaultLeaseMs = 10_000;

export interface RecipeOptions {
  /** How long what is held outlives a holder that has died, ms; default 10,000. */
  readonly lease?: number | undefined;
}

export const leaseOf = (options: RecipeOptions | undefined): number => options?.lease ?? defaultLeaseMs;

/** Tells one ticket from every other. */
export const freshId = (): Field => crypto.randomUUID();
