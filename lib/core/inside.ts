import { begun, isObject, isUnderWay, type Entrance, type Inside } from './async/begun.js';
import type { Frame, Surroundings } from './frame.js';
import { LateSteps } from './async/late-steps.js';

/**
 * Begins user code in a frame: whatever it returns begins there too. What is to be walked through later is left alone;
 * see {@link settledInside}.
 *
 * Node shows ten lines of a stack, and the caller of a cached method wants to find itself among them. So nothing wraps
 * the user code but the entrance itself.
 */
export function beginInside(surroundings: Surroundings, frame: Frame, work: () => unknown): unknown {
  const inside = surroundings.entrance(frame);
  return begunInside(inside(work), inside);
}

/** What user code has returned from inside, begun there as well. */
export function begunInside(made: unknown, inside: Entrance): unknown {
  // What has code of its own that runs when it is looked at (a `then`, say) is looked at inside.
  return !isObject(made) || isPlainPromise(made) ? made : inside(begun, made, inside);
}

function isPlainPromise(made: object): boolean {
  return Object.getPrototypeOf(made) === Promise.prototype && !Object.hasOwn(made, 'then');
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
  const inside = surroundings.entrance(frame);
  const made = begunInside(inside(work), inside);
  if (!isUnderWay(made)) return settledInside(surroundings, frame, made);
  // A class of promises may have more than a value (a way to cancel it, say), which a promise of ours has not.
  if (Object.getPrototypeOf(made) !== Promise.prototype) return made;
  return made.then((value) => settledInside(surroundings, frame, value));
}
