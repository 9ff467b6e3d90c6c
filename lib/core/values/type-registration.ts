import type { Constructor } from './canonical.js';

/**
 * A class whose instances may be stored and be part of keys, and what stands for one of them. Needed where properties
 * are not all there is to an instance: private fields (`#amount`), a WeakMap, the polyfill of Temporal.
 *
 * The functions are called synchronously, with one instance or with what `toJSON` once gave, and must not keep or
 * change either. One that throws means that the value is not stored, or the key refused; `fromJSON` is tried when a
 * value is stored, and one that throws later, for what a server gave, means a miss. On a server that others may write
 * to, what `fromJSON` is given is only as trustworthy as they are: check it, or seal values with `codec.encryption`.
 *
 * @example
 * class Money {
 *   constructor(readonly cents: number) {}
 * }
 * const money: TypeRegistration<Money, number> = {
 *   type: Money,
 *   name: 'Money',
 *   toJSON: (money) => money.cents,
 *   fromJSON: (cents) => new Money(cents),
 * };
 */
export interface TypeRegistration<T extends object = object, Json = unknown> {
  /** The class. Its subclasses are not meant: each is registered by itself. */
  readonly type: abstract new (...args: never[]) => T;
  /**
   * What it is called in keys and in stored values, 1 to 128 characters, the same in every process and every release.
   * Needed where the name of the class is not: in minified bundles.
   * @default the name of the class
   */
  readonly name?: string | undefined;
  /**
   * What tells one instance from another in a key: anything that may itself be part of one, but not `undefined`.
   * @default what `toJSON` gives; without that, the instance's own properties
   */
  toKey?(instance: T): unknown;
  /**
   * What is stored for an instance: anything that may itself be stored, other registered classes included, but not
   * `undefined`. Comes with `fromJSON`.
   * @default the instance's own enumerable properties, put back on the prototype without running the constructor
   */
  toJSON?(instance: T): Json;
  /**
   * Makes an instance, of just this class, of what `toJSON` gave. Each reader gets one of its own. Comes with `toJSON`.
   * @default none
   */
  fromJSON?(json: Json): T;
}

/** What stands in `codec.types`. */
export type RegisteredType = Constructor | TypeRegistration;

/**
 * A registration whose functions are checked against its class, and need no annotations.
 *
 * @example
 * class Money {
 *   constructor(readonly cents: number) {}
 * }
 * const money = cacheType({ type: Money, toJSON: (money) => money.cents, fromJSON: (cents: number) => new Money(cents)
 * });
 * CacheModule.forRoot({ codec: { types: [money] } });
 */
export function cacheType<T extends object, Json = unknown>(
  registration: TypeRegistration<T, Json>,
): TypeRegistration<T, Json> {
  return registration;
}
