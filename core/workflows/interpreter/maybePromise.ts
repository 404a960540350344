export type MaybePromise<T> = T | Promise<T>;

/** Goes on at once with a value, later with a promise: nothing waits that need not. */
export function after<T, U>(value: MaybePromise<T>, next: (value: T) => MaybePromise<U>): MaybePromise<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}
