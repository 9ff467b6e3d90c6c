import { secretKeyOf } from '../codec/secret-key.js';
import { hashKeyOf } from '../core/keys/naming.js';
import type { CacheModuleOptions } from './cache.options.js';

/**
 * Options whose secrets do not show when something that holds them is logged: the container of Nest keeps options for as
 * long as the application runs. What is no secret, or none that could be used, stays as it is, for others to refuse.
 */
export function withHiddenSecrets<T extends CacheModuleOptions | null | undefined>(options: T): T {
  return within(within(options, 'keys', hashHidden), 'codec', encryptionHidden);
}

function hashHidden(keys: unknown): unknown {
  return within(keys, 'hashSecret', (secret) => hashKeyOf(secret) ?? secret);
}

function encryptionHidden(codec: unknown): unknown {
  return within(codec, 'encryption', (encryption) =>
    within(encryption, 'keys', (keys) => (Array.isArray(keys) ? keys.map(secretHidden) : keys)),
  );
}

function secretHidden(key: unknown): unknown {
  return within(key, 'secret', (secret) => secretKeyOf(secret) ?? secret);
}

/** A copy with one of its own properties changed. What an object merely inherits is no option. */
function within<T>(options: T, name: string, change: (value: unknown) => unknown): T {
  if (typeof options !== 'object' || options === null || !Object.hasOwn(options, name)) return options;
  const copy = Object.assign(Object.create(Object.getPrototypeOf(options) as object | null) as T & object, options);
  return Object.assign(copy, { [name]: change((options as Record<string, unknown>)[name]) });
}
