import { backoffDelayMs, toLogoMeshError } from "../../base/index.ts";
import type { Clock, Logger } from "../../ports/index.ts";

const BACKOFF = { initialMs: 100, factor: 2, maxMs: 5_000 };

/** Does again, after a pause, what a store refuses for a passing reason such as a full disk. @throws what does not pass, and what `isOver` cuts off */
export async function untilStored<T>(
  action: () => Promise<T>,
  { clock, logger, isOver }: { clock: Clock; logger: Logger; isOver: () => boolean },
): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await action();
    } catch (error) {
      if (!toLogoMeshError(error).retryable || isOver()) throw error;
      logger.warn({ err: error, failures }, "the store does not take a change; trying again");
      const delayMs = backoffDelayMs(BACKOFF, failures);
      await new Promise<void>((resolve) => void clock.setTimer(delayMs, resolve));
      if (isOver()) throw error;
    }
  }
}
