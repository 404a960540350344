/** Something that owns a resource and gives it back; works with `using`. */
export function toDisposable(dispose: () => void): Disposable {
  let done = false;
  return {
    [Symbol.dispose]() {
      if (done) return;
      done = true;
      dispose();
    },
  };
}
