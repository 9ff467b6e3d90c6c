import { createHash } from 'node:crypto';
import { TagInvalidError } from '../errors.js';
import { fingerprint } from './fingerprint.js';
import type { NameKind, Naming } from './naming.js';

declare const labelBrand: unique symbol;

/**
 * Something that can be invalidated at once: a user, a namespace, a user's part of a namespace, a tag, a user's part
 * of a tag, a bucket of tags. A label only means something inside its partition, and every call that carries labels carries the
 * partition too: a label cannot reach across tenants.
 */
export type Label = string & { readonly [labelBrand]: true };

/** Of one list. Bounds the work: an entry keeps as many of them by name as fit, and the others by their buckets. */
const MAX_TAGS = 4_096;
/** Labels that an entry keeps by name: so many of the longest fit into its header, with all buckets beside them. */
const MAX_NAMED = 140;
/** Buckets of a partition. A caller that invalidates a tag invalidates its bucket, too. */
const BUCKETS: readonly Label[] = Object.freeze(Array.from({ length: 64 }, (_, number) => `b:${number}` as Label));
const MAX_TAG_BYTES = 256;
/** Namespaces whose list of labels is kept. */
const MAX_LISTS = 256;
/** Characters of a label after its kind. Longer ones are digested, so that all labels of an entry fit into its header. */
const MAX_LABEL_LENGTH = 96;
const DIGEST_LENGTH = 32;
/** The tags of a key without any: always this one list. */
export const NO_TAGS: readonly string[] = Object.freeze([]);

/** The only factory of labels. Kinds are told apart by their first letters; names never contain a colon. */
export class LabelFactory {
  private readonly lists = new Map<string, readonly Label[]>();

  constructor(private readonly naming: Naming) {}

  /** The labels of all entries of a namespace, of a user's also those of the user. Of all tenants one list. */
  ofSpace(namespace: string, user: string | undefined): readonly Label[] {
    if (user !== undefined)
      return Object.freeze([this.namespace(namespace), this.user(user), this.userNamespace(user, namespace)]);
    const known = this.lists.get(namespace);
    if (known !== undefined) return known;
    const list = Object.freeze([this.namespace(namespace)]);
    // Namespaces may be made up during calls; those in use come back.
    if (this.lists.size >= MAX_LISTS) this.lists.clear();
    this.lists.set(namespace, list);
    return list;
  }

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

/** Labels that come back from where they were stored. They were made once; whether they still say so, their keeper has checked. */
export function storedLabels(texts: readonly string[]): readonly Label[] {
  return texts as readonly Label[];
}

/** True for tags and their buckets, false for the labels that come with a space. */
export function isTagLabel(label: Label): boolean {
  return label.startsWith('t:') || label.startsWith('ut:') || isBucket(label);
}

/** True for the label of a namespace, which is the same in every partition. */
export function isNamespaceLabel(label: Label): boolean {
  return label.startsWith('n:');
}

/**
 * As many labels as an entry may carry. Of more, those of its space and the first of its tags stay; each of the others is
 * replaced by its bucket, which is invalidated more often than the tag, never less often.
 * @param isMore there are further tags, of which the load has taken no note
 */
export function fittedLabels(labels: readonly Label[], isMore = false): readonly Label[] {
  if (labels.length <= MAX_NAMED && !isMore) return labels;
  const named = new Set<Label>();
  const buckets = new Set<Label>(isMore ? BUCKETS : []);
  for (const label of labels) {
    if (isBucket(label)) buckets.add(label);
    else if (named.size < MAX_NAMED || !isTagLabel(label)) named.add(label);
    else if (!named.has(label)) buckets.add(bucketOf(label));
  }
  return [...named, ...buckets];
}

/** What has to be invalidated when labels are: the buckets of tags with them, for entries that have those in their place. */
export function withBuckets(labels: readonly Label[]): readonly Label[] {
  const all = new Set(labels);
  for (const label of labels) if (isTagLabel(label)) all.add(bucketOf(label));
  return [...all];
}

/** What stands for a tag on an entry that has too many. One's own, for a bucket. */
export function bucketOf(label: Label): Label {
  return isBucket(label) ? label : (BUCKETS[fingerprint(label) % BUCKETS.length] as Label);
}

function isBucket(label: Label): boolean {
  return label.startsWith('b:');
}

/** Checks tags and drops repetitions. @throws TagInvalidError */
export function checkTags(tags: readonly unknown[] | undefined): readonly string[] {
  if (tags === undefined || (Array.isArray(tags) && tags.length === 0)) return NO_TAGS;
  const unique = new Set<string>();
  if (gatherTags(tags, unique)) return [...unique];
  throw new TagInvalidError(`at most ${MAX_TAGS} are allowed in one list`);
}

/**
 * Checks tags and adds them to others, as many as there may be; false when some had to be left out. For tags of a value
 * that has been paid for, and is not to be lost because there are many.
 * @throws TagInvalidError for one that is none
 */
export function gatherTags(tags: readonly unknown[], into: Set<string>): boolean {
  // A text is a list of characters to a loop: `tags: 'cats'` would become four tags.
  if (!Array.isArray(tags)) throw new TagInvalidError('must be a list of texts');
  for (const tag of tags) {
    if (typeof tag !== 'string' || tag === '') throw new TagInvalidError('each must be a text that is not empty');
    if (!tag.isWellFormed()) throw new TagInvalidError('one is not well-formed text');
    if (Buffer.byteLength(tag) > MAX_TAG_BYTES) throw new TagInvalidError(`one is longer than ${MAX_TAG_BYTES} bytes`);
    if (into.size >= MAX_TAGS && !into.has(tag)) return false;
    into.add(tag);
  }
  return true;
}
