/**
 * What kind of object is this? Shared by keys and copies, so that both agree on what plain data is. Nothing here believes
 * what an object says about itself (`constructor`, `Symbol.toStringTag`): it looks at prototypes and internal slots. All of
 * it works for objects of another realm (a `vm` context, Jest).
 */

/** A registered class, and what stands for its instances where that is not their properties. */
export interface KnownClass {
  readonly name: string;
  readonly prototype: object;
  /** What a key says of the class, before what it says of an instance: `C'Cat`. */
  readonly keyLead: string;
  readonly toKey: ((instance: object) => unknown) | undefined;
  readonly toJSON: ((instance: object) => unknown) | undefined;
  /** There exactly when `toJSON` is. */
  readonly fromJSON: ((json: unknown) => object) | undefined;
  /** Its code hands its instances on: one without properties may keep its state where it cannot be seen. */
  readonly mayHide: boolean;
}

/** Registered classes by their prototypes. */
export type Classes = ReadonlyMap<object, KnownClass>;

/** Which instances are data: those of registered classes, and perhaps others. */
export type ClassLookup = Pick<Classes, 'get'>;

/** The classes whose instances may stand in one place of a key. */
export interface PlaceClasses extends ClassLookup {
  /** Why an instance of a class that is not found cannot be part of a key; undefined where its class is not the reason. */
  problemOf(instance: object): string | undefined;
}

/** The built-in kinds that keys and values may contain beside plain objects and arrays. */
export type BuiltinTag = 'Date' | 'Map' | 'Set' | 'RegExp' | 'URL' | 'Bytes' | 'Other';

/** A way into a value: a property name, or the position of an item, entry or member. */
export type Step = string | number;

type Slotted = Exclude<BuiltinTag, 'Bytes' | 'Other'>;

const PROTOTYPES: ReadonlyMap<object, Slotted> = new Map<object, Slotted>([
  [Date.prototype, 'Date'],
  [Map.prototype, 'Map'],
  [Set.prototype, 'Set'],
  [RegExp.prototype, 'RegExp'],
  [URL.prototype, 'URL'],
]);
const FOREIGN_NAMES: readonly Slotted[] = Object.freeze(['Date', 'Map', 'Set', 'RegExp'] as const);
const sourceOf = getter(RegExp.prototype, 'source');
const hrefOf = getter(URL.prototype, 'href');
const typedArrayName = getter(Object.getPrototypeOf(Uint8Array.prototype) as object, Symbol.toStringTag);
const MAX_PLACE_LENGTH = 200;

/**
 * True for `{…}`, for objects without a prototype, and for those whose prototype is an empty object without one, as parsers
 * of queries and routers make them; false for instances of classes.
 */
export function isPlainObject(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype === Object.prototype || prototype === null) return true;
  return prototypeOf(prototype) === null && (isNative(prototype, 'Object') || Reflect.ownKeys(prototype).length === 0);
}

/** True for `[…]`; false for subclasses of Array. */
export function isPlainArray(value: readonly unknown[]): boolean {
  const prototype = prototypeOf(value);
  return prototype === Array.prototype || (prototype !== null && isNative(prototype, 'Array'));
}

/** True when an array has no properties beside its items, of which `present` are no holes. */
export function isOnlyItems(items: readonly unknown[], present: number): boolean {
  return Object.keys(items).length === present && Object.getOwnPropertySymbols(items).length === 0;
}

/** Built-in kinds by their internal slots. Subclasses, impostors and built-ins with properties of their own are `Other`. */
export function tagOf(value: object): BuiltinTag {
  const prototype = prototypeOf(value);
  if (prototype === null) return 'Other';
  if (ArrayBuffer.isView(value)) return bytesKindOf(value) === undefined ? 'Other' : 'Bytes';
  const tag = PROTOTYPES.get(prototype) ?? FOREIGN_NAMES.find((name) => isNative(prototype, name));
  return tag !== undefined && hasSlot(value, tag) && hasNothingElse(value, tag) ? tag : 'Other';
}

/** `Buffer`, `Uint8Array`, `Float64Array`, …; undefined for a DataView and for subclasses. */
export function bytesKindOf(value: ArrayBufferView): string | undefined {
  const prototype = prototypeOf(value);
  if (prototype === Buffer.prototype) return 'Buffer';
  // Each typed array class has this constant itself; a subclass only inherits it.
  const isDirect = prototype !== null && Object.hasOwn(prototype, 'BYTES_PER_ELEMENT');
  return isDirect ? (typedArrayName.call(value) as string | undefined) : undefined;
}

/** True when `prototype` belongs to a built-in class of that name, of whatever realm. */
export function isNative(prototype: object, name: string): boolean {
  const constructor: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  return (
    typeof constructor === 'function' &&
    Function.prototype.toString.call(constructor) === `function ${name}() { [native code] }`
  );
}

/** A place inside a value, for an error message: `value.items[3].price`. Property names that look like data are left out. */
export function placeIn(root: string, path: readonly Step[]): string {
  const place = root + path.map((step) => (typeof step === 'number' ? `[${step}]` : stepName(step))).join('');
  return place.length > MAX_PLACE_LENGTH ? `${place.slice(0, MAX_PLACE_LENGTH)}…` : place;
}

/** Names of properties are code and may be told; ids, addresses and whatever else is used as a name may not. */
function stepName(name: string): string {
  return /^[A-Za-z_$]{1,30}\d{0,2}$/.test(name) ? `.${name}` : '[…]';
}

/** True for the prototypes of what keys and values are made of anyway: registering them could not make them anything else. */
export function isBuiltinKind(prototype: object): boolean {
  if (PROTOTYPES.has(prototype) || FOREIGN_NAMES.some((name) => isNative(prototype, name))) return true;
  if (Object.hasOwn(prototype, 'BYTES_PER_ELEMENT') || prototype === Buffer.prototype) return true;
  if (prototypeOf(prototype) === null && isNative(prototype, 'Object')) return true;
  for (let level: object | null = prototype; level !== null; level = prototypeOf(level)) {
    if (isNative(level, 'Array')) return true;
  }
  return false;
}

/** The complaint about an instance of what is no data. */
export function notRegistered(value: object): string {
  return `is an instance of a class that is not registered (${nameOf(value)}), or a built-in with properties of its own`;
}

export const NAMELESS = 'without a name';

/** The name of the class of an instance, for messages. */
export function nameOf(value: object, property?: string): string {
  return typeName(Object.getOwnPropertyDescriptor(Object.getPrototypeOf(value), 'constructor')?.value, property);
}

/** Read without running code of the class. Names of classes and models are code, and told where they look like it. */
export function typeName(type: unknown, property = 'name'): string {
  const name: unknown = typeof type === 'function' ? Object.getOwnPropertyDescriptor(type, property)?.value : undefined;
  return typeof name === 'string' && /^[A-Za-z_$][\w$]{0,63}$/.test(name) ? name : NAMELESS;
}

/** The complaint about an instance of which nothing can be seen. */
export function showsNothing({ name }: KnownClass): string {
  return (
    `is a ${name} without properties, whose state, if it has any, cannot be seen; ` +
    `in codec.types, write { type: ${name}, toKey, toJSON, fromJSON } in its place`
  );
}

function prototypeOf(value: object): object | null {
  return Object.getPrototypeOf(value) as object | null;
}

function hasSlot(value: object, tag: Slotted): boolean {
  try {
    if (tag === 'Date') Date.prototype.getTime.call(value);
    else if (tag === 'Map') Map.prototype.has.call(value, undefined);
    else if (tag === 'Set') Set.prototype.has.call(value, undefined);
    else if (tag === 'RegExp') sourceOf.call(value);
    else hrefOf.call(value);
    return true;
  } catch {
    // An impostor without the internal slot: documented as "Other", which every caller refuses.
    return false;
  }
}

/** A Date with a time zone pinned on would come back without it, and two of them would share a key. */
function hasNothingElse(value: object, tag: Slotted): boolean {
  return Reflect.ownKeys(value).length === (tag === 'RegExp' ? 1 : 0);
}

function getter(prototype: object, name: PropertyKey): (this: unknown) => unknown {
  return Object.getOwnPropertyDescriptor(prototype, name)?.get as (this: unknown) => unknown;
}
