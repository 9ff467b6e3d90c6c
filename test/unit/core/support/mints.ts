import { KeyMint, type Key, type KeyId, type KeyMintOptions } from '../../../../lib/core/keys/key.js';
import { scopeOf, type Width } from '../../../../lib/core/keys/scope.js';
import { TallyBook } from '../../../../lib/core/keys/tally-book.js';
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

export function mintOf(options: KeyMintOptions = {}): KeyMint {
  return new KeyMint({ types: TYPES, ...options }, new TallyBook());
}

export function keyOf(mint: KeyMint, { tenant, user, width, namespace, version, parts }: Said): Key {
  const space = mint.space(
    scopeOf({ tenant, user }),
    width,
    version === undefined ? namespace : `${namespace}@${version}`,
  );
  return mint.key(space, parts, undefined);
}

export function idOf(mint: KeyMint, said: Said): KeyId {
  return keyOf(mint, said).id;
}

/** A key of one part, in a space where nothing else matters. */
export function partKey(mint: KeyMint, ...parts: readonly unknown[]): Key {
  return keyOf(mint, { tenant: 'acme', user: 'bob', width: 'tenant', namespace: 'cats', parts });
}

/** Its id. */
export function partId(mint: KeyMint, ...parts: readonly unknown[]): KeyId {
  return partKey(mint, ...parts).id;
}
