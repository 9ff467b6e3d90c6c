import type { KnownClass } from './plain.js';

/**
 * What a stored value has in the place of an instance whose registration says what stands for it. Memory keeps it like
 * that and makes an instance for each reader; a serializer writes the JSON. No value of a caller's contains one.
 */
export class Packed {
  constructor(
    readonly known: KnownClass,
    readonly json: unknown,
  ) {}
}

/** An instance of what `toJSON` gave; the caller has made that its own. @throws what `fromJSON` throws, or TypeError */
export function unpack({ name, prototype, fromJSON }: KnownClass, json: unknown): object {
  const instance = fromJSON?.(json);
  const isOne =
    typeof instance === 'object' && instance !== null && (Object.getPrototypeOf(instance) as unknown) === prototype;
  if (isOne) return instance;
  throw new TypeError(`The fromJSON of ${name} in codec.types gives no ${name}.`);
}
