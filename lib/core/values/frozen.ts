import { copyFlat, copyObject, type Members } from './copy-object.js';
import { Packed } from './packed.js';
import { tagOf } from './plain.js';

/**
 * A frozen value of which not everything could be frozen: Dates, Maps, Sets, bytes, addresses and regular expressions keep
 * their contents where `Object.freeze` does not reach, and a packed instance is made anew for each reader. Those are
 * copied at each read, and so is what leads to them; everything beside is shared.
 */
export class PartlyFrozen {
  constructor(
    readonly value: object,
    /** The objects that lead to what is not frozen, and that itself. */
    readonly loose: ReadonlySet<object>,
  ) {}
}

/** Freezes what can be frozen, all the way down. @param value admitted, and held by no other caller */
export function freeze(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const loose = new Set<object>();
  return freezeInto(value, loose) ? value : new PartlyFrozen(value, loose);
}

/** A frozen value for a reader. */
export function thaw({ value, loose }: PartlyFrozen): unknown {
  return copyLoose(value, loose);
}

/** False when something in it stays loose. */
function freezeInto(value: object, loose: Set<object>): boolean {
  if (!isData(value)) {
    loose.add(value);
    return false;
  }
  let isFrozen = true;
  for (const member of Object.values(value) as unknown[]) {
    if (typeof member === 'object' && member !== null && !freezeInto(member, loose)) isFrozen = false;
  }
  if (!isFrozen) loose.add(value);
  Object.freeze(value);
  return isFrozen;
}

/** What consists of its properties: all of that can be frozen. */
function isData(value: object): boolean {
  if (Array.isArray(value)) return true;
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype === Object.prototype || (!(value instanceof Packed) && tagOf(value) === 'Other');
}

function copyLoose(value: object, loose: ReadonlySet<object>): object {
  if (!isData(value)) return copyObject(value);
  const copy = copyFlat(value) as Members;
  for (const key of Object.keys(copy)) {
    const member = copy[key];
    // Own properties by now, so that assigning to them runs no setter.
    if (typeof member === 'object' && member !== null && loose.has(member)) copy[key] = copyLoose(member, loose);
  }
  return Object.freeze(copy);
}
