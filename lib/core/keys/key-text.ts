import { KeyInvalidError } from '../errors.js';
import { rootOf, type Canonical, type MethodName, type Where } from '../values/canonical.js';
import { SeenShape } from '../values/seen-shape.js';
import type { Naming } from './naming.js';
import type { Space } from './space.js';

/** Of all parts together, shortened as they are. */
const MAX_KEY_LENGTH = 1_048_576;
/** Places of a key whose objects are remembered. */
const MAX_SEEN = 8;

/**
 * The keys of one method in a namespace that it shares with others: its name is in front of the arguments, and what never
 * changes is put into the space, once, and not into the text of every key.
 */
export interface MethodLead {
  /** The namespace, as {@link KeyFactory.space} takes it. */
  readonly spaceName: string;
  /** The encoded name, with the comma that sets it apart from the arguments. */
  readonly text: string;
}

/** Makes the last word of an id: what names an entry inside its space. */
export class KeyTexts {
  private readonly leads = new Map<string, MethodLead>();

  constructor(
    private readonly naming: Naming,
    private readonly canonical: Canonical,
  ) {}

  /** One object for one lead: spaces are kept by it. As many as there are decorated methods. */
  lead(spaceName: string, names: readonly MethodName[]): MethodLead {
    const text = `${this.encode(names, 'method')},`;
    const mark = JSON.stringify([spaceName, text]);
    const known = this.leads.get(mark);
    if (known !== undefined) return known;
    const made = Object.freeze({ spaceName, text });
    this.leads.set(mark, made);
    return made;
  }

  /**
   * The last word of the id of an entry of the space.
   * @param where names the parts in errors
   * @param seen the shapes of objects among such parts, by their places; what is new is put there
   * @throws KeyInvalidError
   */
  of(
    { idPrefix, hiddenLead }: Space,
    parts: readonly unknown[],
    where: Where,
    seen?: (SeenShape | undefined)[],
  ): string {
    const joined = this.encode(parts, where, seen);
    const text = this.naming.parts(idPrefix, hiddenLead === '' ? joined : hiddenLead + joined);
    // Looked up faster: asking for a character makes one piece of a text that was put together from several.
    return Number.isNaN(text.charCodeAt(0)) ? '' : text;
  }

  private encode(parts: readonly unknown[], where: Where, seen?: (SeenShape | undefined)[]): string {
    let text = '';
    let { length } = parts;
    // Without what is undefined at the end: a missing argument, and one that is passed on as undefined, are the same to a method.
    while (length > 0 && parts[length - 1] === undefined) length--;
    for (let index = 0; index < length; index++) {
      const value = parts[index];
      const isHole = value === undefined && !Object.hasOwn(parts, index);
      const shape = typeof value === 'object' && seen !== undefined ? shapeAt(seen, index) : undefined;
      const part = isHole ? 'hole' : this.canonical.encode(value, where, index, shape);
      text = index === 0 ? this.naming.part(part) : `${text},${this.naming.part(part)}`;
      if (text.length > MAX_KEY_LENGTH) throw new KeyInvalidError(rootOf(where), 'list is too long to be a key');
    }
    return text;
  }
}

/** The first few places of a key, where the arguments of a method are, and those whose classes are known. */
function shapeAt(seen: (SeenShape | undefined)[], index: number): SeenShape | undefined {
  return index < MAX_SEEN ? (seen[index] ??= new SeenShape()) : seen[index];
}
