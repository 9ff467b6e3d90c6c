import { createSecretKey, KeyObject } from 'node:crypto';

export const KEY_BYTES = 32;
const HEX = /^[0-9a-f]{64}$/i;
const BASE64 = /^[\w+/-]{43}=?$/;

/** A secret in a form that does not show what is in it when something that holds it is logged. Undefined: it is none. */
export function secretKeyOf(secret: unknown): KeyObject | undefined {
  const bytes = keyBytesOf(secret);
  return bytes?.length === KEY_BYTES ? createSecretKey(bytes) : undefined;
}

/** The bytes of what may be a secret, in each of its forms. Undefined: none of them. */
export function keyBytesOf(secret: unknown): Buffer | undefined {
  if (secret instanceof KeyObject) return secret.type === 'secret' ? secret.export() : undefined;
  if (ArrayBuffer.isView(secret)) return Buffer.from(secret.buffer, secret.byteOffset, secret.byteLength);
  if (typeof secret !== 'string') return undefined;
  if (HEX.test(secret)) return Buffer.from(secret, 'hex');
  return BASE64.test(secret) ? Buffer.from(secret, 'base64') : undefined;
}
