/** Counters as text that the server can add to: see COUNT among the scripts. */
import { createHash, randomBytes } from 'node:crypto';
import { MAX_HEADER_BYTES, type Header } from '../../core/codec.js';
import { NotACounterError } from '../../core/errors.js';
import type { Key, KeyId } from '../../core/keys/key.js';
import { storedLabels, type Label } from '../../core/keys/label.js';

export interface Counter extends Header {
  /** The key whose number this is: see {@link identityOf}. */
  readonly identity: string;
  readonly value: number;
}

const FORM = /^NC\|[^|]{13}\|([^|]*)\|([^|]*)\|(\d+)\|(\d+)\|(\d+)\|([^|]*)\|(-?\d+)$/;
const IDENTITY_LENGTH = 22;

/** Undefined: these bytes are no counter. */
export function parseCounter(bytes: Buffer): Counter | undefined {
  if (bytes.length > MAX_HEADER_BYTES || bytes[0] !== 0x4e || bytes[1] !== 0x43 || bytes[2] !== 0x7c) return undefined;
  const [, identity = '', generation = '', stamp, fresh, grace, labels = '', value] =
    FORM.exec(bytes.toString('latin1')) ?? [];
  if (value === undefined) return undefined;
  return {
    identity,
    generation,
    stamp: Number(stamp),
    labels: storedLabels(labels === '' ? [] : labels.split('\n')),
    freshUntilServerMs: Number(fresh) === 0 ? Infinity : Number(fresh),
    graceMs: Number(grace),
    value: Number(value),
  };
}

export function formatCounter(counter: Counter): Buffer {
  const { identity, generation, stamp, freshUntilServerMs, graceMs, labels, value } = counter;
  const words = ['NC', newCounterMark(), identity, generation, stamp, untilOf(freshUntilServerMs), Math.floor(graceMs)];
  return Buffer.from([...words, labelsText(labels), value].join('|'), 'latin1');
}

/** Labels as they stand in a counter, whether or not it can hold them: see {@link fitsCounter}. */
export function labelsText(labels: readonly Label[]): string {
  return labels.join('\n');
}

/** False: a counter with these labels would be longer than the server looks at; the value is stored as an envelope. */
export function fitsCounter(labels: readonly Label[]): boolean {
  return labelsText(labels).length < MAX_HEADER_BYTES - 256;
}

/** 13 characters that a counter begins with and no other does: together with `NC|` its mark. */
export function newCounterMark(): string {
  return randomBytes(10).toString('base64url').slice(0, 13);
}

/** What tells the counter of one key from that of every other. */
export function identityOf(id: KeyId): string {
  return createHash('sha256').update(id).digest('base64url').slice(0, IDENTITY_LENGTH);
}

/** The sum of a number that stands there and another. @throws NotACounterError when it is none that can be exact */
export function sumOf(key: Key, value: unknown, by: number): number {
  const total = Number.isSafeInteger(value) ? (value as number) + by : NaN;
  if (!Number.isSafeInteger(total)) throw new NotACounterError(key.space.namespace);
  return total;
}

/** The end of a ttl as it stands in a counter; 0: none. */
export function untilOf(freshUntilServerMs: number): number {
  return freshUntilServerMs === Infinity ? 0 : Math.floor(freshUntilServerMs);
}
