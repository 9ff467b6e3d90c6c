import { memberBytes } from '../core/values/admission.js';

const MAX_DEPTH = 64;
/** What {@link Admission} counts for the same: never less, so that what passes here would have passed there. */
const CONTAINER_BYTES = 48;
const SLOT_BYTES = 8;
const TEXT_BYTES = 24;

/**
 * True when a value is sure to be admitted and JSON is sure to keep it: the common case, found out without copying and
 * in less time than writing it takes. False says nothing; the slow path then decides, and says what is wrong.
 *
 * The value is looked at here and once more when it is written. A getter that answers differently the second time is
 * stored as it answered then; the slow path takes a snapshot and reads it once.
 */
export function isPlainJson(value: unknown, limitBytes: number): boolean {
  try {
    return spend(value, limitBytes, MAX_DEPTH) >= 0;
  } catch {
    // A getter or a proxy throws: the slow path names the place.
    return false;
  }
}

/** How many of the bytes are left when the value has been paid for; negative when it is not plain, or too large. */
function spend(value: unknown, left: number, depth: number): number {
  switch (typeof value) {
    case 'string':
      return left - TEXT_BYTES - 2 * value.length;
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0) ? left - SLOT_BYTES : -1;
    case 'boolean':
      return left - SLOT_BYTES;
    case 'object':
      if (value === null) return left;
      return left < 0 || depth === 0 ? -1 : spendOnObject(value, left - CONTAINER_BYTES, depth - 1);
    default:
      return -1;
  }
}

function spendOnObject(value: object, before: number, depth: number): number {
  let left = before;
  // Hidden or inherited: JSON would call it, and a copy would leave it out.
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return -1;
  if (Array.isArray(value)) {
    left -= SLOT_BYTES * value.length;
    // Holes show as undefined, which is not plain. As many keys as items: there is nothing beside the items.
    if (left < 0 || Object.getPrototypeOf(value) !== Array.prototype || Object.keys(value).length !== value.length)
      return -1;
    for (let index = 0; index < value.length && left >= 0; index++) left = spend(value[index], left, depth);
    return Object.getOwnPropertySymbols(value).length === 0 ? left : -1;
  }
  if (Object.getPrototypeOf(value) !== Object.prototype || Object.getOwnPropertySymbols(value).length !== 0) return -1;
  const keys = Object.keys(value);
  for (const key of keys) {
    left = spend((value as Record<string, unknown>)[key], left - memberBytes(key, keys.length), depth);
    if (left < 0) return -1;
  }
  return left;
}
