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
const NO_TAGS: readonly string[] = Object.freeze([]);

/** The only mint of labels. Kinds are told apart by their first letters; names never contain a colon. */
export class LabelMint {
  constructor(private readonly naming: Naming) {}

  user(user: string): Label {
    return `u:${this.word('user', user)}` as Label;
  }

  namespace(namespace: string): Label {
    return `n:${this.word('namespace', namespace)}` as Label;
  }

  userNamespace(user: string, namespace: string): Label {
    return `un:${this.word('user', user)}:${this.word('namespace', namespace)}` as Label;
  }

  /** A tag as seen by its whole partition, or, with a user, only that user's share of it. */
  tag(tag: string, user: string | undefined): Label {
    return (
      user === undefined ? `t:${this.word('tag', tag)}` : `ut:${this.word('user', user)}:${this.word('tag', tag)}`
    ) as Label;
  }

  private word(kind: NameKind, text: string): string {
    return this.naming.name(kind, text);
  }
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
