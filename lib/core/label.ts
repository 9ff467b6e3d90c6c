import { createHash } from 'node:crypto';
import { TagInvalidError } from './errors.js';
import type { NameKind, Naming } from './naming.js';

declare const labelBrand: unique symbol;

/**
 * Something that can be invalidated at once: a user, a namespace, a user's part of a namespace, a tag, a user's part
 * of a tag. A label only means something inside its partition, and every call that carries labels carries the
 * partition too: a label cannot reach across tenants.
 */
export type Label = string & { readonly [labelBrand]: true };

const MAX_TAGS = 32;
const MAX_TAG_BYTES = 256;
/** Characters of a label after its kind. Longer ones are digested, so that all labels of an entry fit into its header. */
const MAX_LABEL_LENGTH = 96;
const DIGEST_LENGTH = 32;
const NO_TAGS: readonly string[] = Object.freeze([]);

/** The only mint of labels. Kinds are told apart by their first letters; names never contain a colon. */
export class LabelMint {
  constructor(private readonly naming: Naming) {}

  user(user: string): Label {
    return label('u', this.word('user', user));
  }

  namespace(namespace: string): Label {
    return label('n', this.word('namespace', namespace));
  }

  userNamespace(user: string, namespace: string): Label {
    return label('un', `${this.word('user', user)}:${this.word('namespace', namespace)}`);
  }

  /** A tag as seen by its whole partition, or, with a user, only that user's share of it. */
  tag(tag: string, user: string | undefined): Label {
    const word = this.word('tag', tag);
    return user === undefined ? label('t', word) : label('ut', `${this.word('user', user)}:${word}`);
  }

  private word(kind: NameKind, text: string): string {
    return this.naming.name(kind, text);
  }
}

/** No name contains a `#`, so what is digested never equals what is not. */
function label(kind: 'u' | 'n' | 'un' | 't' | 'ut', words: string): Label {
  if (words.length <= MAX_LABEL_LENGTH) return `${kind}:${words}` as Label;
  return `${kind}:#${createHash('sha256').update(words).digest('base64url').slice(0, DIGEST_LENGTH)}` as Label;
}

/** Labels that come back from where they were stored. They were minted once; whether they still say so, their keeper has checked. */
export function storedLabels(texts: readonly string[]): readonly Label[] {
  return texts as readonly Label[];
}

/** True for tags, false for the labels that come with a space. */
export function isTagLabel(label: Label): boolean {
  return label.startsWith('t:') || label.startsWith('ut:');
}

/** Checks tags and drops repetitions. @throws TagInvalidError */
export function checkTags(tags: readonly unknown[] | undefined): readonly string[] {
  if (tags === undefined) return NO_TAGS;
  // A text is a list of characters to a loop: `tags: 'cats'` would become four tags.
  if (!Array.isArray(tags)) throw new TagInvalidError('must be a list of texts');
  if (tags.length === 0) return NO_TAGS;
  const unique = new Set<string>();
  for (const tag of tags) {
    if (typeof tag !== 'string' || tag === '') throw new TagInvalidError('each must be a text that is not empty');
    if (!tag.isWellFormed()) throw new TagInvalidError('one is not well-formed text');
    if (Buffer.byteLength(tag) > MAX_TAG_BYTES) throw new TagInvalidError(`one is longer than ${MAX_TAG_BYTES} bytes`);
    unique.add(tag);
    if (unique.size > MAX_TAGS) throw new TagInvalidError(`at most ${MAX_TAGS} are allowed on one entry`);
  }
  return [...unique];
}
