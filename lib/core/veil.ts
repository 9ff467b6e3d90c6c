/** What `util.inspect`, and with it `console.log` and Nest's loggers, call instead of looking inside. */
const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/**
 * Hides the insides of an object, or of a class's instances, from logs: whoever prints something that holds it gets its
 * name, and JSON gets `{}`. For parts that hold secrets, values or the names of tenants and that can be injected or
 * reached from what can be. What services and their views hold is not even there to be found: it stands in closures.
 * @param target an object, or a prototype
 */
export function veil<T extends object>(target: T, name: string): T {
  Object.defineProperty(target, INSPECT, { value: () => `${name} {}`, configurable: true, writable: true });
  // One of its own, where somebody wrote one, says what is meant to be seen.
  if (!('toJSON' in target)) Object.defineProperty(target, 'toJSON', { value: () => ({}), configurable: true });
  return target;
}
