import { randomBytes } from 'node:crypto';

/** A name that has never been and will not be again: for incarnations and tokens. */
export function nonce(): string {
  return randomBytes(12).toString('base64url');
}
