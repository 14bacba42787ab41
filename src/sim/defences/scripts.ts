/** Pieces of the scenarios in which defences are shown. */

/** A client's calls, one after the other: `out` of different tuples, each answered within so long. */
export const calls = (client: string, first: number, count: number, within: string): string =>
  Array.from(
    { length: count },
    (_, index) =>
      `call ${client} out ["${client}",${index}] timeout=20s\nawait ${client}#${first + index} within=${within}`,
  ).join('\n');

/** The same without a look at the answers. */
export const rush = (client: string, count: number, pause: string): string =>
  Array.from(
    { length: count },
    (_, index) => `call ${client} out ["${client}",${index}] timeout=20s\nrun ${pause}`,
  ).join('\n');
