import { begun, isObject, isUnderWay, type Inside } from './async/begun.js';
import type { Frame, Surroundings } from './frame.js';
import { LateSteps } from './async/late-steps.js';

/**
 * Begins user code in a frame: whatever it returns begins there too. What is to be walked through later is left alone;
 * see {@link settledInside}.
 */
export function beginInside(surroundings: Surroundings, frame: Frame, work: () => unknown): unknown {
  const again: Inside = (step) => surroundings.run(frame, step);
  return again(() => begun(work(), again));
}

/**
 * A value that user code brought, of which parts may only run when a caller walks through them: they run in the scope
 * that the value was made in, and in the load of that caller, which notices what the caller gets to see.
 */
export function settledInside<T>(surroundings: Surroundings, { scope, loading }: Frame, value: T): T {
  if (!isObject(value)) return value;
  const inside: Inside = (step) => surroundings.run({ scope, loading: surroundings.loading() ?? loading }, step);
  return new LateSteps(inside, () => surroundings.held()).bind(value) as T;
}

/** Runs user code in a frame, from its first line to the settling of what it returned, and the late steps of that. */
export function runInside(surroundings: Surroundings, frame: Frame, work: () => unknown): unknown {
  const made = beginInside(surroundings, frame, work);
  if (!isUnderWay(made)) return settledInside(surroundings, frame, made);
  // A class of promises may have more than a value (a way to cancel it, say), which a promise of ours has not.
  if (Object.getPrototypeOf(made) !== Promise.prototype) return made;
  return made.then((value) => settledInside(surroundings, frame, value));
}
