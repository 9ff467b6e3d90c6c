import { objectOf, Price } from './values.js';

/**
 * A value that is almost the given one. `choice` decides where and how, so that a property can walk through all of them:
 * types are confused, delimiters move between neighbours, wrappers come and go. Some choices give an equal value back,
 * which is right too: those must share a key.
 */
export function nearMiss(value: unknown, choice: number, encode: (value: unknown) => string): unknown {
  const inside = children(value);
  const here = Math.floor(choice / 4);
  if (inside.length > 0 && choice % 4 !== 0) {
    const at = here % inside.length;
    return rebuilt(value, at, nearMiss(inside[at], Math.floor(here / inside.length), encode));
  }
  const ways = confusions(value, encode);
  return ways[here % ways.length]!();
}

/** The same value built another way: keys, entries and members in the other order. */
export function reordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reordered);
  if (value instanceof Map) return new Map([...value].reverse().map(([k, v]) => [reordered(k), reordered(v)]));
  if (value instanceof Set) return new Set([...value].reverse().map(reordered));
  if (isPlain(value))
    return objectOf(
      Object.entries(value)
        .reverse()
        .map(([k, v]) => [k, reordered(v)]),
    );
  return value;
}

function children(value: unknown): unknown[] {
  if (Array.isArray(value)) return [...(value as unknown[])];
  if (value instanceof Map) return [...value].flat();
  if (value instanceof Set) return [...value];
  return isPlain(value) ? Object.values(value) : [];
}

function rebuilt(value: unknown, at: number, child: unknown): unknown {
  if (Array.isArray(value)) return value.map((item: unknown, index) => (index === at ? child : item));
  if (value instanceof Set) return new Set([...value].map((item: unknown, index) => (index === at ? child : item)));
  if (value instanceof Map) {
    const flat = [...value].flat().map((item: unknown, index) => (index === at ? child : item));
    return new Map(flat.flatMap((key, index) => (index % 2 === 0 ? [[key, flat[index + 1]] as const] : [])));
  }
  return objectOf(Object.entries(value as object).map(([key, item], index) => [key, index === at ? child : item]));
}

function confusions(value: unknown, encode: (value: unknown) => string): (() => unknown)[] {
  return [
    () => value,
    () => [value],
    () => encode(value),
    () => `'${encode(value)}`,
    () => ({ value }),
    ...(typeof value === 'string' ? confusedText(value) : []),
    ...(typeof value === 'number' ? confusedNumber(value) : []),
    ...(typeof value === 'object' && value !== null ? confusedObject(value, encode) : [() => textOf(value)]),
    ...(value == null ? [() => null, () => undefined, () => 0, () => '', () => [], () => ({})] : []),
  ];
}

function confusedText(text: string): (() => unknown)[] {
  return [
    () => Number(text),
    () => `${text} `,
    () => text.slice(1).toWellFormed(),
    () => text.toLowerCase(),
    () => text.normalize('NFC'),
    () => (text.isWellFormed() ? encodeURIComponent(text) : ''),
    () => text.replace(/%([0-9A-F]{2})/, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
    () => Array.from(text),
    () => text.split(','),
    () => new Set([text]),
    () => objectOf([[text, undefined]]),
    () => Buffer.from(text),
  ];
}

function confusedNumber(number: number): (() => unknown)[] {
  return [
    () => -number,
    () => number + Number.EPSILON,
    () => (Number.isSafeInteger(number) ? BigInt(number) : 0n),
    () => new Date(number),
    () => String(number),
  ];
}

function confusedObject(value: object, encode: (value: unknown) => string): (() => unknown)[] {
  if (Array.isArray(value)) return confusedArray(value as unknown[], encode);
  if (value instanceof Map) return [() => objectOf([...value].map(([k, v]) => [textOf(k), v])), () => [...value]];
  if (value instanceof Set) return [() => [...value]];
  if (value instanceof Date) return [() => value.getTime(), () => JSON.stringify(value), () => new Date(+value + 1)];
  if (value instanceof URL) return [() => value.href, () => new RegExp(value.href)];
  if (value instanceof RegExp) return [() => value.source, () => String(value), () => new RegExp(value.source, 'y')];
  if (ArrayBuffer.isView(value)) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return [() => new Uint8Array(bytes), () => Buffer.from(bytes), () => bytes.toString('base64url'), () => [...bytes]];
  }
  const entries = Object.entries(value);
  return [
    () => objectOf(entries),
    () => new Map(entries),
    () => entries,
    () => objectOf([...entries, ['extra', undefined]]),
    () => objectOf(entries.slice(1)),
    () => objectOf(entries.map(([key, member]) => [`${key};`, member])),
    () => objectOf([[entries.map(([key, member]) => `${key}=${encode(member)}`).join(';'), 1]]),
    () => new Price(Reflect.get(value, 'amount'), Reflect.get(value, 'currency')),
  ];
}

function confusedArray(items: unknown[], encode: (value: unknown) => string): (() => unknown)[] {
  return [
    () => new Set(items),
    () => Object.assign({}, items),
    () => [...items, undefined],
    () => items.slice(1),
    () => items.flat(),
    () => items[0],
    () => items.map(textOf).join(','),
    // A boundary moves between neighbours, or a text takes in what stands behind it.
    () => [`${textOf(items[0])};${encode(items[1])}`, ...items.slice(2)],
    () => [`${textOf(items[0])},${encode(items[1])}`, ...items.slice(2)],
    () => [items.slice(0, 1), ...items.slice(1)],
    () => [`${textOf(items[0])},${textOf(items[1])}`, ...items.slice(2)],
    () => [`${textOf(items[0])}_`, textOf(items[1]).slice(1).toWellFormed(), ...items.slice(2)],
    () => [...items].reverse(),
  ];
}

/** What a careless key builder makes of a value. */
function textOf(value: unknown): string {
  return typeof value === 'object' && value !== null ? `[object ${value.constructor?.name}]` : String(value);
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
