import { createSecretKey, type KeyObject } from 'node:crypto';
import { CacheConfigError } from '../core/errors.js';
import { knownOptions } from '../core/own-options.js';
import { checkName } from './option-checks.js';
import { KEY_BYTES, keyBytesOf } from './secret-key.js';

/** One key of the ring. */
export interface EncryptionKey {
  /** Names the key in entries: 1 to 32 of `A-Z a-z 0-9 _ . -`. Never give one name to two keys: on Redis, a process that has another key under a name than those before it is refused at its start. */
  readonly id: string;
  /** 32 random bytes: a Buffer, a KeyObject, or their base64 or hex text. `openssl rand -base64 32` makes some. */
  readonly secret: Uint8Array | KeyObject | string;
}

/** How values are sealed where they leave the process. */
export interface EncryptionOptions {
  /**
   * The first key seals, all of them open. To rotate: put the new key second and deploy, then first and deploy, and
   * remove the old one when the longest ttl has passed. An entry under a key that is not here is a miss.
   *
   * Every tenant's entries are sealed with a key of its own, derived from these. One such key is good for about four
   * thousand million writes (its IVs are 96 random bits); a warning says when this process alone has done half of them.
   */
  readonly keys: readonly EncryptionKey[];
  /**
   * - `encrypt`: AES-256-GCM. Without a key, values cannot be read, changed, or moved to another key or tenant.
   * - `sign`: HMAC-SHA-256. The same, but values can be read.
   *
   * Names are not values: keys, tags, tenants and users stand readable on the server unless `keys.hashSecret` is set.
   * @default 'encrypt'
   */
  readonly mode?: 'encrypt' | 'sign' | undefined;
}

export interface RingKey {
  readonly id: string;
  /** A KeyObject, because it does not show what is in it when something that holds it is logged. */
  readonly key: KeyObject;
}

export interface KeyRing {
  readonly mode: 'encrypt' | 'sign';
  /** The first one seals. */
  readonly keys: readonly [RingKey, ...RingKey[]];
}

const OPTION = 'codec.encryption';
const MAX_KEYS = 16;

/** @throws CacheConfigError naming the option; a message never contains any part of a secret */
export function resolveKeyRing(options: EncryptionOptions): KeyRing {
  const { keys, mode = 'encrypt' } = knownOptions(options, OPTION, ['keys', 'mode']);
  if (mode !== 'encrypt' && mode !== 'sign')
    throw new CacheConfigError(`${OPTION}.mode`, "must be 'encrypt' or 'sign'");
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > MAX_KEYS)
    throw new CacheConfigError(`${OPTION}.keys`, `must be a list of 1 to ${MAX_KEYS} keys`);
  const [first, ...others] = (keys as readonly EncryptionKey[]).map(ringKeyOf);
  const ids = new Set<string>();
  for (const { id } of [first as RingKey, ...others]) {
    if (ids.has(id)) throw new CacheConfigError(`${OPTION}.keys`, `has two keys of the id ${id}`);
    ids.add(id);
  }
  return Object.freeze({ mode, keys: Object.freeze([first as RingKey, ...others] as const) });
}

function ringKeyOf(key: EncryptionKey, index: number): RingKey {
  const where = `${OPTION}.keys[${index}]`;
  const { id, secret } = knownOptions(key, where, ['id', 'secret']);
  return Object.freeze({ id: checkName(id, `${where}.id`), key: keyOf(secret, `${where}.secret`) });
}

function keyOf(secret: unknown, option: string): KeyObject {
  const bytes = keyBytesOf(secret);
  if (bytes?.length !== KEY_BYTES)
    throw new CacheConfigError(
      option,
      `must be ${KEY_BYTES} random bytes: a Buffer, a KeyObject, or their base64 or hex text`,
    );
  // What stands in examples and in forgotten Buffer.alloc(32) calls.
  if (bytes.every((byte) => byte === bytes[0]))
    throw new CacheConfigError(option, 'is not random: all of its bytes are the same');
  return createSecretKey(bytes);
}
