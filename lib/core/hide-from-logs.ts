/** What `util.inspect`, and with it `console.log` and Nest's loggers, call instead of looking inside. */
const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/**
 * Hides the insides of an object, or of a class's instances, from logs: a print of something that holds it shows its
 * name, and JSON shows `{}`. For parts that hold secrets, values or the names of tenants and that can be injected or
 * reached from what can be. What services and their views hold is not even there to be found: it stands in closures.
 * @param target an object, or a prototype
 */
export function hideFromLogs<T extends object>(target: T, name: string): T {
  Object.defineProperty(target, INSPECT, { value: () => `${name} {}`, configurable: true, writable: true });
  // Where the class has a `toJSON` of its own, that says what is meant to be seen.
  if (!('toJSON' in target)) Object.defineProperty(target, 'toJSON', { value: () => ({}), configurable: true });
  return target;
}
