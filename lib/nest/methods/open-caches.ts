import { channel } from 'node:diagnostics_channel';
import type { ClassPlans } from './class-plans.js';
import type { MethodPlans } from './method-plans.js';

/** Asks the open caches of the process which of them knows an object. */
interface Question {
  readonly object: object;
  plans?: ClassPlans | undefined;
  failure?: { readonly error: unknown };
}

/**
 * Where the caches of a process can be found by objects that were made without Nest, and have nothing of their own that
 * leads to one: their methods must not silently go without it. Not by a name: where a process loads the library several
 * times, as test runners do for each file, each has caches of its own.
 */
const questions = channel(Symbol('objects of nestjs-scoped-cache'));
/** The same of caches that are switched on: beside one that is off, an object without a cache misses nothing. */
const working = channel(Symbol('caches of nestjs-scoped-cache'));

/**
 * The cache can be found until the function that is returned is called.
 * @param cache undefined for one that decorated methods do not use
 * @param isOff it is switched off: objects that no cache knows need not be refused because of it
 */
export function open(cache: MethodPlans | undefined, isOff = false): () => void {
  const answer = (message: unknown): void => {
    const question = message as Question;
    if (question.plans !== undefined || question.failure !== undefined) return;
    try {
      question.plans = cache?.ofKnown(question.object);
    } catch (error) {
      // What a subscriber throws ends the process.
      question.failure = { error };
    }
  };
  const channels = isOff ? [questions] : [questions, working];
  for (const each of channels) each.subscribe(answer);
  return () => {
    for (const each of channels) each.unsubscribe(answer);
  };
}

export function isAnyOpen(): boolean {
  return working.hasSubscribers;
}

/** What the cache that knows an object made of its class. @throws CacheConfigError for a decorator that cannot work */
export function findPlans(object: object): ClassPlans | undefined {
  const question: Question = { object };
  questions.publish(question);
  if (question.failure !== undefined) throw question.failure.error;
  return question.plans;
}
