import { isClear } from './escape.js';
import type { PlaceClasses } from './plain.js';
import { encodeNumber, encodePrimitive } from './primitives.js';
import { isWorthKnowing, type Shape } from './shapes.js';

/** Longer texts are left to the long way, which bounds what all of them come to. */
const MAX_TEXT = 1_024;

/**
 * The shape that the objects in one place of a key had last: those of one argument of one method mostly have the same. An
 * object of just this shape, made of numbers, short clear texts and the like, is written in one walk, which costs half of what
 * the long way does. Whatever is the least different is left to the long way, so both write the same text.
 */
export class SeenShape {
  private shape: Shape | undefined = undefined;

  /** @param classes whose instances may stand in this place, registered or not */
  constructor(readonly classes?: PlaceClasses) {}

  learn(shape: Shape): void {
    if (shape !== this.shape && shape.names.length > 0 && isWorthKnowing(shape)) this.shape = shape;
  }

  /** Undefined: the long way has to look at it. */
  textOf(value: object): string | undefined {
    const { shape } = this;
    if (shape === undefined || Object.getPrototypeOf(value) !== Object.prototype || Array.isArray(value))
      return undefined;
    try {
      return write(value as Readonly<Record<string, unknown>>, shape);
    } catch {
      // Code of the caller's: a getter, a proxy. The long way meets it again, and says where.
      return undefined;
    }
  }
}

function write(value: Readonly<Record<string, unknown>>, { names, places, leads }: Shape): string | undefined {
  const { length } = names;
  let isBegun = false;
  // Of this call alone: a getter among the members may make a key of the same method.
  const texts: string[] = [];
  let at = 0;
  for (const name in value) {
    if (at === length || name !== names[at]) return undefined;
    const text = memberText(value[name]);
    if (text === undefined) return undefined;
    texts[places[at] as number] = text;
    at++;
  }
  // Own names come first, so the last one tells of all: what was put into Object.prototype is no member.
  if (at !== length || !Object.hasOwn(value, names[length - 1] as string)) return undefined;
  if (Object.getOwnPropertySymbols(value).length > 0) return undefined;
  let joined = '{';
  for (let place = 0; place < length; place++) {
    const text = texts[place] as string;
    if (text === '') continue;
    const lead = leads[place] as string;
    // Each lead but the first begins with a separator, and the first may have been left out. Told by the place and not by
    // the text, which would have to be put together for it.
    joined += (isBegun || place === 0 ? lead : lead.slice(1)) + text;
    isBegun = true;
  }
  return `${joined}}`;
}

/** '' for a member that is left out; undefined for one that the long way has to look at. */
function memberText(member: unknown): string | undefined {
  switch (typeof member) {
    case 'string':
      return member.length <= MAX_TEXT && isClear(member) ? `'${member}` : undefined;
    case 'number':
      return encodeNumber(member);
    case 'boolean':
      return encodePrimitive(member);
    case 'undefined':
      return '';
    default:
      return member === null ? 'null' : undefined;
  }
}
