/** Operations in a closed loop: a new one whenever one is done. */
export async function inParallel(
  concurrency: number,
  count: number,
  operation: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) await operation(next++);
  };
  await Promise.all(Array.from({ length: concurrency }, work));
}
