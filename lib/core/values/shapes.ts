/** What objects with the same names in the same order have in common when they are written into a key. */
export interface Shape {
  /** The names as found. */
  readonly names: readonly string[];
  /** The names sorted, as they are written. */
  readonly sorted: readonly string[];
  /** What is written before the value of each sorted name: the escaped name, set apart from what went before. */
  readonly leads: readonly string[];
  /** Of all leads together. */
  readonly length: number;
  /** Where each name, as found, stands among the sorted ones. */
  readonly places: readonly number[];
}

/** A method's arguments have one shape or two; more than these are not worth looking through. */
const MAX_SHAPES = 16;
/** Of objects with more or longer names than these, nothing is remembered: they come from data, not from code. */
const MAX_NAMES = 32;
const MAX_LENGTH = 1_024;

/** Remembers the shapes of recent objects, so that the names of each query need not be sorted and escaped anew. */
export class Shapes {
  private readonly known: Shape[] = [];
  private next = 0;

  /** The shape of an object with these names, if it was seen lately. */
  find(names: readonly string[]): Shape | undefined {
    const { known } = this;
    for (let at = 0; at < known.length; at++) {
      const shape = known[at] as Shape;
      if (isSame(shape.names, names)) return shape;
    }
    return undefined;
  }

  /** The same for names that were not. */
  learn(names: readonly string[], escape: (name: string) => string): Shape {
    const shape = describe(names, escape);
    if (!isWorthKnowing(shape)) return shape;
    this.known[this.next] = shape;
    this.next = (this.next + 1) % MAX_SHAPES;
    return shape;
  }
}

function describe(names: readonly string[], escape: (name: string) => string): Shape {
  // By their characters, whatever the locale.
  const sorted = [...names].sort();
  const leads = sorted.map((name, at) => `${at === 0 ? '' : ';'}${escape(name)}=`);
  return { names, sorted, leads, length: leads.join('').length, places: names.map((name) => sorted.indexOf(name)) };
}

/** Names that come from code. */
export function isWorthKnowing({ names, length }: Shape): boolean {
  return names.length <= MAX_NAMES && length <= MAX_LENGTH;
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  if (one.length !== other.length) return false;
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false;
  return true;
}
