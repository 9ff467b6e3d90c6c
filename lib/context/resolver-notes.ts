/**
 * What resolvers say of themselves, for people: their name in the line at the start, and, when an id is missing, what they
 * looked for, where, and which names were there. Names only: a value may be a secret.
 */
import { claimNames } from './claims.js';

export type Part = 'tenant' | 'user';

export interface ResolverNotes {
  /** As it is written in the options: `fromClaims({ tenant: 'org' })`. */
  readonly name: string;
  /** Why it finds no such id in a request. */
  missed(request: unknown, part: Part): string;
}

/** On a resolver. Registered, so that both kinds of JavaScript mean the same. */
const NOTES: unique symbol = Symbol.for('nestjs-scoped-cache:resolver-notes');
const MOST_NAMES = 20;

export function withNotes<R extends object>(resolver: R, notes: ResolverNotes): R {
  return Object.defineProperty(resolver, NOTES, { value: notes });
}

function notesOf(resolver: object): ResolverNotes | undefined {
  return Object.hasOwn(resolver, NOTES) ? (resolver as { readonly [NOTES]?: ResolverNotes })[NOTES] : undefined;
}

export function nameOfResolver(resolver: object): string {
  return notesOf(resolver)?.name ?? 'a function of the application';
}

/** Why an id is missing in a request that was resolved. @param found what was answered, where that is known */
export function missedBy(
  resolver: object,
  { request }: { readonly request: unknown },
  part: Part,
  found?: unknown,
): string {
  const notes = notesOf(resolver);
  if (notes !== undefined) return notes.missed(request, part);
  return `scope.resolve answered without a ${part}${found === undefined ? '' : `: ${namesIn(found)}`}. It has to return { ${part} }`;
}

/** The names of what an object has, for a message: `it has sub, email`. */
export function namesIn(object: unknown): string {
  if (object === undefined || object === null) return 'there is nothing';
  if (typeof object !== 'object') return `it is a ${typeof object}`;
  // What is no name of a program may be of a person: an address, a number.
  const names = claimNames(object).filter((name) => /^[A-Za-z][\w.:/-]{0,59}$/.test(name));
  if (names.length === 0) return 'it has none';
  return `it has ${names.slice(0, MOST_NAMES).join(', ')}${names.length > MOST_NAMES ? ', …' : ''}`;
}
