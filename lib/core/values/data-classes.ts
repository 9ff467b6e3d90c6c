import type { Constructor } from './canonical.js';
import { handsOut, hiddenStateOf } from './class-source.js';
import { hasBehaviour, isBuiltIn } from './classes.js';
import { percentEncode } from './escape.js';
import { isBuiltinKind, typeName, type Classes, type KnownClass, type PlaceClasses } from './plain.js';

/** Classes made anew for each call are not remembered without end. */
const MAX_CLASSES = 64;
/** Of two classes with one name in one place, or of one without a name, which one was meant would be a guess. */
const CANNOT_BE_TOLD = 'is an instance of a class that its name does not tell from others';
/** Shorter ones are what minifiers give, another to each release. */
const MIN_NAME_LENGTH = 3;

/**
 * The classes whose instances may stand in one place of a key: registered ones, and in the place of an argument that is
 * declared with a class of data, those of data, by their own properties. What keeps state where no property shows it is
 * refused. The place says the declared class, so that has no name in the key; where it is data alone, without methods and
 * accessors, an instance is what a plain object with its properties is. Every other class has its name there.
 */
export class DataClasses implements PlaceClasses {
  private readonly seen = new WeakMap<object, KnownClass | string>();
  private readonly names = new Set<string>();

  constructor(
    private readonly registered: Classes,
    private readonly declared: Constructor,
  ) {}

  /** Undefined for built-in classes, and for those whose instances cannot be part of a key. */
  get(prototype: object): KnownClass | undefined {
    const known = this.registered.get(prototype) ?? this.lookUp(prototype);
    return typeof known === 'string' ? undefined : known;
  }

  problemOf(instance: object): string | undefined {
    const known = this.lookUp(Object.getPrototypeOf(instance) as object);
    return typeof known === 'string' && known !== '' ? known : undefined;
  }

  private lookUp(prototype: object): KnownClass | string {
    const known = this.seen.get(prototype) ?? this.look(prototype);
    this.seen.set(prototype, known);
    return known;
  }

  private look(prototype: object): KnownClass | string {
    if (isBuiltinKind(prototype) || isBuiltIn(prototype)) return '';
    const type: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
    if (typeof type !== 'function' || type.prototype !== prototype) return CANNOT_BE_TOLD;
    const problem = problemOfData(type as Constructor);
    if (problem !== undefined) return `is an instance of ${typeName(type)}, which ${problem}`;
    if (type === this.declared) return describe(type as Constructor, hasBehaviour(prototype) ? "C''" : '');
    const name: unknown = Object.getOwnPropertyDescriptor(type, 'name')?.value;
    const isName = typeof name === 'string' && name.length >= MIN_NAME_LENGTH && name.isWellFormed();
    if (!isName || this.names.has(name) || this.names.size >= MAX_CLASSES) return CANNOT_BE_TOLD;
    this.names.add(name);
    // No name has a quotation mark in a key, so this is no registered class.
    return describe(type as Constructor, `C''${percentEncode(name)}`);
  }
}

/**
 * Why the properties of an instance are perhaps not all it is. Nobody has said that they are, as a registration does, so
 * a class whose instances other code may know more about is refused, whatever properties they have.
 */
export function problemOfData(type: Constructor): string | undefined {
  const hidden = hiddenStateOf(type);
  if (hidden !== undefined) return `has, or extends a class that has, ${hidden}`;
  return handsOut(type) ? 'hands its instances to other code, which may keep a part of what they are' : undefined;
}

function describe(type: Constructor, keyLead: string): KnownClass {
  const prototype = type.prototype as object;
  return Object.freeze({
    name: typeName(type),
    prototype,
    keyLead,
    toKey: undefined,
    toJSON: undefined,
    fromJSON: undefined,
    // What may hide anything is refused with its class.
    mayHide: false,
  });
}
