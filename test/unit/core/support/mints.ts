import { KeyMint, type KeyId, type KeyMintOptions } from '../../../../lib/core/key.js';
import { scopeOf, type Width } from '../../../../lib/core/scope.js';
import { TallyBook } from '../../../../lib/core/tally-book.js';
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

export function idOf(mint: KeyMint, { tenant, user, width, namespace, version, parts }: Said): KeyId {
  const space = mint.space(
    scopeOf({ tenant, user }),
    width,
    version === undefined ? namespace : `${namespace}@${version}`,
  );
  return mint.key(space, parts, undefined).id;
}

/** The id of a key of one part, in a space where nothing else matters. */
export function partId(mint: KeyMint, ...parts: readonly unknown[]): KeyId {
  return idOf(mint, { tenant: 'acme', user: 'bob', width: 'tenant', namespace: 'cats', parts });
}
