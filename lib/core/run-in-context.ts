import { begun, isObject, isUnderWay, type Entrance, type RunInContext } from './async/begun.js';
import type { Frame, AmbientContext } from './frame.js';
import { LazySteps } from './async/lazy-steps.js';

/**
 * Begins user code in a frame: whatever it returns begins there too. What is to be walked through later is left alone;
 * see {@link settledInContext}.
 *
 * Node shows ten lines of a stack, and the caller of a cached method wants to find itself among them. So nothing wraps
 * the user code but the entrance itself.
 */
export function beginInContext(ambient: AmbientContext, frame: Frame, work: () => unknown): unknown {
  const inContext = ambient.entrance(frame);
  return begunInContext(inContext(work), inContext);
}

/**
 * What user code has returned from inside, begun there as well.
 * @param look is shown it first, unless it is a plain promise or no object at all
 */
export function begunInContext(made: unknown, inContext: Entrance, look?: (made: object) => void): unknown {
  const isPlainPromise =
    made instanceof Promise && Object.getPrototypeOf(made) === Promise.prototype && !Object.hasOwn(made, 'then');
  if (isPlainPromise || !isObject(made)) return made;
  // What has code of its own that runs when it is looked at (a `then`, say) is looked at inside.
  if (look !== undefined) inContext(look, made);
  return inContext(begun, made, inContext);
}

/**
 * A value that user code brought, of which parts may only run when a caller walks through them: they run in the scope
 * that the value was made in, and in the load of that caller, which notices what the caller gets to see.
 */
export function settledInContext<T>(ambient: AmbientContext, { scope, loading }: Frame, value: T): T {
  if (!isObject(value)) return value;
  const inContext: RunInContext = (step) => ambient.run({ scope, loading: ambient.loading() ?? loading }, step);
  return new LazySteps(inContext, () => ambient.held()).bind(value) as T;
}

/** Runs user code in a frame, from its first line to the settling of what it returned, and the lazy steps of that. */
export function runInContext(ambient: AmbientContext, frame: Frame, work: () => unknown): unknown {
  const inContext = ambient.entrance(frame);
  const made = begunInContext(inContext(work), inContext);
  if (!isUnderWay(made)) return settledInContext(ambient, frame, made);
  // A class of promises may have more than a value (a way to cancel it, say), which a promise of ours has not.
  if (Object.getPrototypeOf(made) !== Promise.prototype) return made;
  return made.then((value) => settledInContext(ambient, frame, value));
}
