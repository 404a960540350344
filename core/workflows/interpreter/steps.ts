/** Suspends for promises only; everything else runs through. */
export type Steps<T> = Generator<Promise<unknown>, T, unknown>;

/** Runs steps to their end; stays synchronous unless something was awaited. */
export function drive<T>(steps: Steps<T>): T | Promise<T> {
  const first = steps.next();
  return first.done === true ? first.value : driveAsync(steps, first.value);
}

async function driveAsync<T>(steps: Steps<T>, pending: Promise<unknown>): Promise<T> {
  for (let waiting = pending; ;) {
    let result: IteratorResult<Promise<unknown>, T>;
    try {
      const value = await waiting;
      result = steps.next(value);
    } catch (error) {
      result = steps.throw(error);
    }
    if (result.done === true) return result.value;
    waiting = result.value;
  }
}
