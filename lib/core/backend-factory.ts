import { isPending } from './async/awaitable.js';
import type { Backend, BackendFactory, BackendParts } from './backend.js';
import { CacheConfigError } from './errors.js';

/** The methods that no backend may lack. */
type Required = { [Name in keyof Backend]-?: undefined extends Backend[Name] ? never : Name }[keyof Backend];
/** Every method that a backend must have, or this does not compile. */
export const BACKEND_METHODS: Readonly<Record<Exclude<Required, 'kind'>, true>> = Object.freeze({
  read: true,
  readMany: true,
  lease: true,
  renew: true,
  release: true,
  fill: true,
  write: true,
  writeMany: true,
  expire: true,
  increment: true,
  evict: true,
  invalidate: true,
  clear: true,
  clearEverything: true,
  removeMatching: true,
  scan: true,
  usage: true,
  info: true,
  ping: true,
  close: true,
});

/** @throws CacheConfigError naming the option, where it holds no factory */
export function checkFactory(factory: unknown, option: string): asserts factory is BackendFactory {
  if (typeof (factory as Partial<BackendFactory> | null | undefined)?.create === 'function') return;
  throw new CacheConfigError(
    option,
    'must be a factory of backends: what memory(), redis(), mongo() or tiered() returns, or { kind, create(parts) } of your own',
  );
}

/**
 * What a factory makes, if it is a whole backend. Most factories are compiled elsewhere, some against an older contract:
 * without the check a method that is missing would look like an outage, and nothing would ever be cached.
 *
 * @throws CacheConfigError naming the option, and what is missing
 */
export function createBackend(factory: BackendFactory, parts: BackendParts, option: string): Backend {
  const made: unknown = factory.create(parts);
  if (isPending(made)) {
    throw new CacheConfigError(
      option,
      'create() must return the backend itself; what it has to wait for belongs in open()',
    );
  }
  const backend = made as Readonly<Partial<Record<string, unknown>>> | null | undefined;
  const lacks = Object.keys(BACKEND_METHODS).filter((name) => typeof backend?.[name] !== 'function');
  if (typeof backend?.['kind'] !== 'string') lacks.unshift('kind');
  if (lacks.length === 0) return made as Backend;
  throw new CacheConfigError(
    option,
    `create() must return a whole backend; what it returned lacks ${lacks.join(', ')}`,
  );
}
