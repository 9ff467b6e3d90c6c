import { randomBytes } from 'node:crypto';
import { PIECE_BYTES } from '../../core/random-pool.js';

/** A name that has never been and will not be again, where one is needed seldom; with every call it is cut from a `RandomPool`. */
export function nonce(): string {
  return randomBytes(PIECE_BYTES).toString('base64url');
}
