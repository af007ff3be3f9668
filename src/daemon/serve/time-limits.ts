/** Waiting for a promise, and no longer than for a while. */

export async function withTimeout<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
  if (await settles(promise, timeoutMs)) return promise;
  throw new Error(`the kernel and the session did not agree in ${timeoutMs} ms`);
}

/** Whether the promise settles, either way, in time. */
export async function settles(promise: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs);
  });
  const settled = promise.then(
    () => true,
    () => true,
  );
  const isInTime = await Promise.race([settled, late]);
  clearTimeout(timer);
  return isInTime;
}
