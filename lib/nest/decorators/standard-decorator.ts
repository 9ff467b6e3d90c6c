import { CacheConfigError } from '../../core/errors.js';

/** What to say where a compiler calls a decorator in the way of the standard, with a context in the place of a name. */
export function standardDecorator(decorator: string): CacheConfigError {
  return new CacheConfigError(
    decorator,
    "is used as a standard decorator, which Nest's are not: set experimentalDecorators in tsconfig.json, or what stands for it in your compiler",
  );
}
