import type { Constructor } from './canonical.js';
import { CacheConfigError } from './errors.js';
import { isNative, type Classes } from './plain.js';

const OPTION = 'codec.types';
const MAX_NAME_LENGTH = 128;

/**
 * The classes whose instances may be part of keys and values, by prototype. Their names stand in keys and in stored
 * values, so two classes of one name would read each other's: they are refused, and so are built-in classes and what
 * extends them, because a copy made of properties would lose what they really hold.
 * @throws CacheConfigError
 */
export function registerClasses(types: readonly Constructor[] = []): Classes {
  const classes = new Map<object, string>();
  const names = new Set<string>();
  types.forEach((type, index) => {
    const prototype = prototypeOf(type, index);
    if (classes.has(prototype)) return;
    const { name } = type;
    if (typeof name !== 'string' || name === '' || name.length > MAX_NAME_LENGTH || !name.isWellFormed()) {
      throw new CacheConfigError(OPTION, `entry ${index} needs a name of 1 to ${MAX_NAME_LENGTH} characters`);
    }
    if (names.has(name)) throw new CacheConfigError(OPTION, `has two classes of the name ${name}; rename one of them`);
    if (isBuiltIn(prototype))
      throw new CacheConfigError(OPTION, `${name} is, or extends, a built-in class, whose contents are not properties`);
    names.add(name);
    classes.set(prototype, name);
  });
  return classes;
}

function prototypeOf(type: Constructor | undefined, index: number): object {
  const prototype: unknown = typeof type === 'function' ? type.prototype : undefined;
  if (typeof prototype === 'object' && prototype !== null) return prototype;
  throw new CacheConfigError(OPTION, `entry ${index} is not a class (a ring of imports leaves undefined in its place)`);
}

/** Somewhere up the chain, apart from its end in Object.prototype, stands a class of the language or of Node. */
function isBuiltIn(prototype: object): boolean {
  for (let level: object | null = prototype; level !== null; level = Object.getPrototypeOf(level) as object | null) {
    if (level !== prototype && Object.getPrototypeOf(level) === null) return false;
    const constructor: unknown = Object.getOwnPropertyDescriptor(level, 'constructor')?.value;
    if (typeof constructor !== 'function') continue;
    if (isNative(level, constructor.name) || Reflect.get(globalThis, constructor.name) === constructor) return true;
  }
  return false;
}
