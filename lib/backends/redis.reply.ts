import type { Lease } from '../core/backend.js';

/** A bulk reply as text. Scripts answer with digests and numbers only, so one byte is one character. */
export function text(reply: unknown): string {
  return Buffer.isBuffer(reply) ? reply.toString('latin1') : String(reply);
}

/** A lease as it stands on the server. */
export function leaseText({ token, incarnation, stamp }: Lease): string {
  return `${token}|${incarnation}|${stamp}`;
}
