/**
 * A promise with its two ends apart: Promise.withResolvers() of ES2024, which Node 20 lacks.
 */

interface Gate<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

export function newGate<T>(): Gate<T> {
  let settle: Pick<Gate<T>, 'resolve' | 'reject'> | undefined;
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject };
  });
  // The executor runs before the constructor returns.
  return { promise, ...settle! };
}
