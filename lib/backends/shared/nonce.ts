import { randomUUID } from 'node:crypto';

/**
 * A name that has never been and will not be again: for generations and tokens. Sixteen characters made of 90 random
 * bits. Node keeps a pool of random bits for UUIDs; `randomBytes(12)` each time took ten times as long.
 */
export function nonce(): string {
  return Buffer.from(randomUUID().replaceAll('-', ''), 'hex').toString('base64url', 0, 12);
}
