/**
 * When a value is exactly what it was: same kinds, same prototypes, same order of keys, entries and members, same holes,
 * and Object.is for everything that is no object. Stricter than equality of keys (core/support/same.ts).
 */
export function identical(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return Object.is(a, b);
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (a instanceof Date) return Object.is(a.getTime(), (b as Date).getTime());
  if (a instanceof URL) return a.href === (b as URL).href;
  if (a instanceof RegExp) return a.source === (b as RegExp).source && a.flags === (b as RegExp).flags;
  if (a instanceof Map) return identicalLists([...a].flat(), [...(b as Map<unknown, unknown>)].flat());
  if (a instanceof Set) return identicalLists([...a], [...(b as Set<unknown>)]);
  if (ArrayBuffer.isView(a)) return bytesOf(a).equals(bytesOf(b as ArrayBufferView));
  if (Array.isArray(a) && a.length !== (b as unknown[]).length) return false;
  const keys = Object.keys(a);
  return (
    identicalLists(keys, Object.keys(b)) &&
    keys.every((key) =>
      identical(Object.getOwnPropertyDescriptor(a, key)?.value, Object.getOwnPropertyDescriptor(b, key)?.value),
    )
  );
}

function identicalLists(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((item, at) => identical(item, b[at]));
}

function bytesOf(view: ArrayBufferView): Buffer {
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength);
}
