import { KeyFactory, type Key, type KeyId, type KeyFactoryOptions } from '../../../../lib/core/keys/key.js';
import { scopeOf, type Width } from '../../../../lib/core/keys/scope.js';
import { StatsRegistry } from '../../../../lib/core/keys/stats-registry.js';
import { TYPES } from './values.js';

/** Everything that an id says, as a caller would say it. */
export interface Said {
  readonly tenant: string;
  readonly user: string;
  readonly width: Width;
  readonly namespace: string;
  readonly version?: string | undefined;
  readonly parts: readonly unknown[];
}

export function keyFactoryOf(options: KeyFactoryOptions = {}): KeyFactory {
  return new KeyFactory({ types: TYPES, ...options }, new StatsRegistry());
}

export function keyOf(keyFactory: KeyFactory, { tenant, user, width, namespace, version, parts }: Said): Key {
  const space = keyFactory.space(
    scopeOf({ tenant, user }),
    width,
    version === undefined ? namespace : `${namespace}@${version}`,
  );
  return keyFactory.key(space, parts, undefined);
}

export function idOf(keyFactory: KeyFactory, said: Said): KeyId {
  return keyOf(keyFactory, said).id;
}

/** A key of one part, in a space where nothing else matters. */
export function partKey(keyFactory: KeyFactory, ...parts: readonly unknown[]): Key {
  return keyOf(keyFactory, { tenant: 'acme', user: 'bob', width: 'tenant', namespace: 'cats', parts });
}

/** Its id. */
export function partId(keyFactory: KeyFactory, ...parts: readonly unknown[]): KeyId {
  return partKey(keyFactory, ...parts).id;
}
