/** Runs work in a scope. */
type Inside = <R>(work: () => R) => R;

const GENERATORS: readonly object[] = Object.freeze(
  [function* () {}, async function* () {}].map((made) => Object.getPrototypeOf(made.prototype) as object),
);
const STEPS = Object.freeze(['next', 'return', 'throw'] as const);

/**
 * A generator runs when somebody walks through it, perhaps long after the scope that it was made in has been left, and
 * then in the walker's. One that work in a scope hands out, at once or by a promise, takes each of its steps inside;
 * everything else is left as it is.
 */
export function bindGenerator<R>(made: R, inside: Inside): R {
  if (isPromise(made)) return made.then((value) => bindGenerator(value, inside)) as R;
  if (!isGenerator(made)) return made;
  for (const step of STEPS) {
    const take = made[step].bind(made);
    Object.defineProperty(made, step, {
      value: (...args: never[]) => inside(() => take(...args)),
      configurable: true,
      writable: true,
    });
  }
  return made;
}

/** One as an async function makes it. What others make of promises (queries, say) may begin when it is waited for. */
function isPromise(made: unknown): made is Promise<unknown> {
  return typeof made === 'object' && made !== null && Object.getPrototypeOf(made) === Promise.prototype;
}

function isGenerator(made: unknown): made is Record<(typeof STEPS)[number], (...args: never[]) => unknown> {
  return typeof made === 'object' && made !== null && GENERATORS.some((kind) => kind.isPrototypeOf(made));
}
