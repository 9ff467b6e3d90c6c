/** A value says whose it is and which version: a number, so that looking at it costs a read nothing. */

/** More than there are keys. */
const KEYS = 16;

export function valueOf(key: number, version: number): number {
  return version * KEYS + key;
}

export function keyOf(value: number): number {
  return value % KEYS;
}

export function versionOf(value: number): number {
  return Math.floor(value / KEYS);
}

export function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : NaN;
}
