/** What kind of object is this? Shared by keys and copies, so that both agree on what plain data is. */

/** True for `{…}` and for objects without a prototype; false for instances of classes. Works across realms. */
export function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype) return true;
  // Another realm's Object.prototype: nothing above it, and it is the one that owns hasOwnProperty.
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'hasOwnProperty');
}

/** The built-in kinds that keys and values may contain beside plain objects and arrays. */
export type BuiltinTag = 'Date' | 'Map' | 'Set' | 'RegExp' | 'URL' | 'Bytes' | 'Other';

/** Classes named here and nothing derived from them: a subclass has behaviour that a copy would lose. */
export function tagOf(value: object): BuiltinTag {
  const name = Object.prototype.toString.call(value).slice(8, -1);
  if (ArrayBuffer.isView(value)) return name === 'DataView' ? 'Other' : 'Bytes';
  switch (name) {
    case 'Date':
    case 'Map':
    case 'Set':
    case 'RegExp':
    case 'URL':
      return isOwnClass(value, name) ? name : 'Other';
    default:
      return 'Other';
  }
}

function isOwnClass(value: object, name: string): boolean {
  const prototype = Object.getPrototypeOf(value) as { constructor?: { name?: string } } | null;
  // Symbol.toStringTag can lie; the constructor of the direct prototype and the internal slot together cannot.
  return prototype?.constructor?.name === name && hasSlot(value, name);
}

function hasSlot(value: object, name: string): boolean {
  try {
    if (name === 'Date') Date.prototype.getTime.call(value);
    else if (name === 'Map') Map.prototype.has.call(value, undefined);
    else if (name === 'Set') Set.prototype.has.call(value, undefined);
    else if (name === 'URL') return value instanceof URL || typeof (value as URL).href === 'string';
    return true;
  } catch {
    // An impostor without the internal slot: documented as "Other", which every caller refuses.
    return false;
  }
}

/** A property name for an error message. Names that look like data (ids, addresses) are not repeated. */
export function stepName(name: string): string {
  return /^[A-Za-z_$][\w$]{0,31}$/.test(name) ? `.${name}` : '[…]';
}
