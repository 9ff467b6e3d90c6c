type NamesOf = (value: object) => string[];

/**
 * When two arguments are the same, said independently of how keys are made: same type, same contents; the order of object
 * keys, Map entries and Set members does not matter. Written for being obviously right, not for being fast.
 */
export function same(a: unknown, b: unknown, namesOf: NamesOf = Object.keys): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return Object.is(a, b);
  const kind = kindOf(a);
  if (kind !== kindOf(b)) return false;
  switch (kind) {
    case 'Array':
      return sameItems(a as unknown[], b as unknown[], namesOf);
    case 'Map':
      return matchUp([...(a as Map<unknown, unknown>)], [...(b as Map<unknown, unknown>)], namesOf);
    case 'Set':
      return matchUp([...(a as Set<unknown>)], [...(b as Set<unknown>)], namesOf);
    case 'Date':
      return Object.is((a as Date).getTime(), (b as Date).getTime());
    case 'URL':
      return (a as URL).href === (b as URL).href;
    case 'RegExp':
      return (a as RegExp).source === (b as RegExp).source && (a as RegExp).flags === (b as RegExp).flags;
    default:
      return ArrayBuffer.isView(a) ? sameBytes(a, b as ArrayBufferView) : sameMembers(a, b, namesOf);
  }
}

/** The same for the parts of keys: whatever is undefined at the end of the list, or as a property, is not there. */
export function sameParts(a: readonly unknown[], b: readonly unknown[]): boolean {
  return sameItems(cut(a), cut(b), presentNames);
}

function cut(parts: readonly unknown[]): unknown[] {
  return parts.slice(0, parts.findLastIndex((part) => part !== undefined) + 1);
}

function presentNames(value: object): string[] {
  return Object.keys(value).filter((name) => Reflect.get(value, name) !== undefined);
}

function kindOf(value: object): string {
  const prototype = Object.getPrototypeOf(value) as { constructor: { name: string } } | null;
  return prototype === null ? 'Object' : prototype.constructor.name;
}

function sameItems(a: unknown[], b: unknown[], namesOf: NamesOf): boolean {
  return a.length === b.length && [...a.keys()].every((at) => at in a === at in b && same(a[at], b[at], namesOf));
}

function sameMembers(a: object, b: object, namesOf: NamesOf): boolean {
  const keys = namesOf(a);
  return (
    keys.length === namesOf(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && same(Reflect.get(a, key), Reflect.get(b, key), namesOf))
  );
}

/** Every one of `a` has a partner of its own in `b`. Taking the first that fits is enough: sameness is transitive. */
function matchUp(a: unknown[], b: unknown[], namesOf: NamesOf): boolean {
  if (a.length !== b.length) return false;
  const free = [...b];
  return a.every((one) => {
    const at = free.findIndex((other) => same(one, other, namesOf));
    if (at !== -1) free.splice(at, 1);
    return at !== -1;
  });
}

function sameBytes(a: ArrayBufferView, b: ArrayBufferView): boolean {
  const [left, right] = [a, b].map((view) => Buffer.from(view.buffer, view.byteOffset, view.byteLength));
  return left!.equals(right!);
}
