import { hash } from 'node:crypto';
import type { KeyId } from './key.js';

/** Eight characters that tell keys apart in a log without giving them away. */
export function digestOf(id: KeyId): string {
  return hash('sha256', id, 'hex').slice(0, 8);
}
