import { randomBytes } from 'node:crypto';
import type { Lease } from '../core/backend.js';
import type { Draft } from '../core/entry.js';

/** A bulk reply as text. Scripts answer with digests and numbers only, so one byte is one character. */
export function text(reply: unknown): string {
  return Buffer.isBuffer(reply) ? reply.toString('latin1') : String(reply);
}

/** A name that has never been and will not be again: for incarnations and tokens. */
export function nonce(): string {
  return randomBytes(12).toString('base64url');
}

/** A lease as it stands on the server. */
export function leaseText({ token, incarnation, stamp }: Lease): string {
  return `${token}|${incarnation}|${stamp}`;
}

/** Whole milliseconds an entry stays on the server; 0: for ever. */
export function keptMs({ keptForMs }: Pick<Draft, 'keptForMs'>): number {
  return keptForMs === Infinity ? 0 : Math.max(1, Math.floor(keptForMs));
}

export function graceOf({ freshForMs, keptForMs }: Pick<Draft, 'freshForMs' | 'keptForMs'>): number {
  return keptForMs === Infinity ? 0 : keptForMs - freshForMs;
}

export function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

export function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) => items.slice(at * size, (at + 1) * size));
}
