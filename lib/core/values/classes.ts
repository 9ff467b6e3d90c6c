import type { Constructor } from './canonical.js';
import { handsOut, hiddenStateOf } from './class-source.js';
import { CacheConfigError } from '../errors.js';
import { escapeText } from './escape.js';
import { knownOptions } from '../own-options.js';
import { typeName, isBuiltinKind, isNative, type Classes, type KnownClass } from './plain.js';
import type { RegisteredType, TypeRegistration } from './type-registration.js';

const OPTION = 'codec.types';
const MAX_NAME_LENGTH = 128;
/** Shorter ones are what minifiers give, another to each release. */
const MIN_CLASS_NAME_LENGTH = 3;
const NAMES = Object.freeze(['type', 'name', 'toKey', 'toJSON', 'fromJSON'] as const);
const FUNCTIONS = Object.freeze(['toKey', 'toJSON', 'fromJSON'] as const);

/**
 * The classes whose instances may be part of keys and values, by prototype. Their names stand in keys and in stored
 * values, so two classes of one name would read each other's: they are refused. So is whatever a copy made of properties
 * would lose: built-in classes and what extends them, and classes that keep state where it cannot be seen, unless their
 * registration says what stands for an instance.
 * @throws CacheConfigError
 */
export function registerClasses(types: readonly RegisteredType[] = []): Classes {
  const classes = new Map<object, KnownClass>();
  const names = new Set<string>();
  types.forEach((entry, index) => {
    const registration = registrationOf(entry, index);
    const prototype = prototypeOf(registration.type, index);
    // The same class twice is no harm; the same class in two forms is.
    if (classes.has(prototype) && !isRepeated(registration, classes.get(prototype) as KnownClass)) {
      throw new CacheConfigError(OPTION, `registers ${classes.get(prototype)?.name} twice, in different ways`);
    }
    if (classes.has(prototype)) return;
    const known = knownClass(registration, prototype, index);
    if (names.has(known.name))
      throw new CacheConfigError(OPTION, `has two classes of the name ${known.name}; rename one of them`);
    names.add(known.name);
    classes.set(prototype, known);
  });
  return classes;
}

function registrationOf(entry: RegisteredType | undefined, index: number): Partial<TypeRegistration> {
  if (typeof entry !== 'object' || entry === null) return { type: entry as Constructor };
  const where = `${OPTION}[${index}]`;
  const registration = knownOptions(entry, where, NAMES);
  for (const name of FUNCTIONS) {
    const given: unknown = registration[name];
    if (given !== undefined && typeof given !== 'function')
      throw new CacheConfigError(`${where}.${name}`, 'must be a function');
  }
  if ((registration.toJSON === undefined) !== (registration.fromJSON === undefined))
    throw new CacheConfigError(where, 'needs toJSON and fromJSON, both or neither');
  return registration;
}

function isRepeated({ name, toKey, toJSON, fromJSON }: Partial<TypeRegistration>, known: KnownClass): boolean {
  return (
    (name === undefined || name === known.name) &&
    (toKey ?? toJSON) === known.toKey &&
    toJSON === known.toJSON &&
    fromJSON === known.fromJSON
  );
}

function prototypeOf(type: unknown, index: number): object {
  const prototype: unknown = typeof type === 'function' ? type.prototype : undefined;
  if (typeof prototype === 'object' && prototype !== null) return prototype;
  throw new CacheConfigError(OPTION, `entry ${index} is not a class (a ring of imports leaves undefined in its place)`);
}

function knownClass(registration: Partial<TypeRegistration>, prototype: object, index: number): KnownClass {
  const { toKey, toJSON, fromJSON } = registration;
  const type = registration.type as Constructor;
  const name = nameOf(registration.name, type, index);
  if (isBuiltinKind(prototype))
    throw new CacheConfigError(OPTION, `${name} is, or extends, a built-in class that is stored as it is`);
  if (toJSON === undefined) refuseUnseen(type, prototype, name);
  return Object.freeze({
    name,
    prototype,
    keyLead: `C'${escapeText(name, OPTION)}`,
    toKey: toKey ?? toJSON,
    toJSON,
    fromJSON,
    mayHide: handsOut(type),
  });
}

function nameOf(said: unknown, type: Constructor, index: number): string {
  const name: unknown = said ?? type.name;
  if (typeof name !== 'string' || name === '' || name.length > MAX_NAME_LENGTH || !name.isWellFormed()) {
    throw new CacheConfigError(OPTION, `entry ${index} needs a name of 1 to ${MAX_NAME_LENGTH} characters`);
  }
  if (said === undefined && name.length < MIN_CLASS_NAME_LENGTH) {
    throw new CacheConfigError(
      OPTION,
      `entry ${index} is a class of the name ${name}, which a minifier may have given it: another release could read its ` +
        `entries as something else. Write { type: ${name}, name: '…' }, with a name that stays`,
    );
  }
  return name;
}

function refuseUnseen(type: Constructor, prototype: object, name: string): void {
  if (isBuiltIn(prototype))
    throw new CacheConfigError(OPTION, `${name} is, or extends, a built-in class, whose contents are not properties`);
  const hidden = hiddenStateOf(type);
  if (hidden === undefined) return;
  throw new CacheConfigError(
    OPTION,
    `${name} has, or extends a class that has, ${hidden}, which neither a key nor a copy can see. ` +
      `Write { type: ${name}, toKey, toJSON, fromJSON } in its place`,
  );
}

/** Somewhere up the chain, apart from its end in Object.prototype, stands a class of the language or of Node. */
export function isBuiltIn(prototype: object): boolean {
  for (let level: object | null = prototype; level !== null; level = Object.getPrototypeOf(level) as object | null) {
    if (level !== prototype && Object.getPrototypeOf(level) === null) return false;
    const constructor: unknown = Object.getOwnPropertyDescriptor(level, 'constructor')?.value;
    if (typeof constructor !== 'function') continue;
    const name = typeName(constructor);
    if (isNative(level, name) || Reflect.get(globalThis, name) === constructor) return true;
  }
  return false;
}

/** Whether instances can do anything: have methods or accessors, of the class or of one that it extends. */
export function hasBehaviour(prototype: object): boolean {
  for (let level: object | null = prototype; level !== null; level = Object.getPrototypeOf(level) as object | null) {
    if (Object.getPrototypeOf(level) === null && level !== prototype) return false;
    if (Reflect.ownKeys(level).some((key) => key !== 'constructor')) return true;
  }
  return false;
}
