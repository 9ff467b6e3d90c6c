/**
 * The only place where keys are made. An id says for which scope, of what kind and which one; it is injective over all three
 * (invariant 1) because every word of it is escaped or a digest, and it never contains text that a user could shape
 * into another word:
 *
 *   g/Rates.today/'EUR                      of all tenants
 *   t.acme/Cats.findOne/42                  shared by the users of tenant acme
 *   u.acme.bob/Cats.mine@2/'tabby,true      bob's own; version 2 of the namespace
 */
import { Canonical, type Where } from '../values/canonical.js';
import { registerClasses } from '../values/classes.js';
import { systemClock } from '../clock.js';
import { CacheConfigError, KeyInvalidError } from '../errors.js';
import { unescapeText } from '../values/escape.js';
import { checkTags, NO_TAGS, fittedLabels, LabelFactory, type Label } from './label.js';
import { KeyTexts, type MethodLead } from './key-text.js';
import { checkVersion, createNaming, type Naming, type NamingOptions } from './naming.js';
import { ownOptions } from '../own-options.js';
import type { Scope, Width } from './scope.js';
import { GLOBAL_PARTITION, tenantPartition, type Partition } from './partition.js';
import { WHOLE_SHARD, type Home, type Space, type View } from './space.js';
import { SpaceCache } from './space-cache.js';
import type { StatsRegistry } from './stats-registry.js';
import type { Classes } from '../values/plain.js';
import type { RegisteredType } from '../values/type-registration.js';

declare const keyBrand: unique symbol;

/** The full name of an entry: scope, namespace and parts. Compare it, store by it, never take it apart by hand. */
export type KeyId = string & { readonly [keyBrand]: true };

/** One value or several that together name an entry inside its namespace. A single value is a list of one. */
export type KeyParts = unknown;

/** Tags as a caller gives them: at once, or when they are needed, which for a hit in memory is never. */
export type Tags = readonly string[] | (() => readonly string[]) | undefined;

/** Which entry: what a key is found by. */
export type KeyName = Pick<Key, 'space' | 'text'>;

/** A key for one call: which one of its space, and the labels its entry will carry. */
export class Key {
  private ownId: KeyId | undefined = undefined;
  private ownTags: readonly string[] | undefined = undefined;
  private ownLabels: readonly Label[] | undefined = undefined;

  /** @internal only {@link KeyFactory} makes keys */
  constructor(
    readonly space: Space,
    /** The last word of the id: names the entry inside its space. Short, so this is what a hit in memory looks up. */
    readonly text: string,
    private readonly said: readonly string[] | (() => readonly string[]),
    private readonly keyFactory: KeyFactory,
  ) {}

  get id(): KeyId {
    return (this.ownId ??= (this.space.idPrefix + this.text) as KeyId);
  }

  /** The tags of the call. @throws TagInvalidError */
  get tags(): readonly string[] {
    return (this.ownTags ??= typeof this.said === 'function' ? checkTags(this.said()) : this.said);
  }

  /**
   * The labels of the space and of the tags. Made when first needed: a hit in memory never needs them. Whatever runs a loader
   * asks for them before, since a loader may change what the tags are made of. @throws TagInvalidError
   */
  get labels(): readonly Label[] {
    if (this.said === NO_TAGS) return this.space.labels;
    return (this.ownLabels ??= this.keyFactory.labelsOf(this.space, this.tags));
  }
}

export interface KeyFactoryOptions extends NamingOptions {
  /** Classes whose instances may be part of keys. */
  readonly types?: readonly RegisteredType[] | undefined;
}

const MAX_NAMESPACE_LENGTH = 128;

export class KeyFactory {
  private readonly naming: Naming;
  private readonly labels: LabelFactory;
  readonly texts: KeyTexts;
  /** Whose instances may be part of keys, wherever. */
  readonly classes: Classes;
  private readonly spaces = new SpaceCache();

  constructor(
    options: KeyFactoryOptions,
    readonly statsRegistry: StatsRegistry,
    private readonly home: Home = { clock: systemClock },
  ) {
    this.naming = createNaming(options);
    this.labels = new LabelFactory(this.naming);
    this.classes = registerClasses(ownOptions(options, 'keys').types);
    this.texts = new KeyTexts(this.naming, new Canonical(this.classes));
  }

  /** What the spaces occupy that are kept, estimated. */
  get heldBytes(): number {
    return this.spaces.heldBytes;
  }

  /** False when names are digests; listing and patterns are then refused. */
  get readable(): boolean {
    return this.naming.readable;
  }

  /**
   * The space of a namespace in a scope, or of one method in it. A namespace may end in `@version`.
   * @throws ScopeMissingError when the scope lacks what the width needs.
   */
  space(scope: Scope, width: Width, name: string | MethodLead): Space {
    const known = this.spaces.get(scope, width, name);
    // What its counters go on counting would be in no figure of its tenant.
    if (known?.stats.isKept === true) return known;
    const [spaceName, lead] = typeof name === 'string' ? [name, ''] : [name.spaceName, name.text];
    const made = this.makeSpace(scope, width, spaceName, lead);
    this.spaces.add(scope, width, name, made);
    return made;
  }

  /** The key of an entry. `where` names the parts in errors. @throws KeyInvalidError, TagInvalidError */
  key(space: Space, parts: readonly unknown[], tags: Tags, where: Where = 'argument'): Key {
    return this.keyOf(space, this.texts.of(space, parts, where), tags);
  }

  /** The key of a text that was made by {@link texts}. @throws TagInvalidError */
  keyOf(space: Space, text: string, tags: Tags): Key {
    return new Key(
      space,
      text,
      tags === undefined ? NO_TAGS : typeof tags === 'function' ? tags : checkTags(tags),
      this,
    );
  }

  /** The labels of an entry: those of its space, and its tags, for a user's entry also as that user's share of them; or their buckets. */
  labelsOf({ labels, width, scope }: Space, tags: readonly string[]): readonly Label[] {
    if (tags.length === 0) return labels;
    const all = [...labels];
    for (const tag of tags) {
      all.push(this.labels.tag(tag, undefined));
      if (width === 'user') all.push(this.labels.tag(tag, scope.user));
    }
    return fittedLabels(all);
  }

  /** The label that invalidates a tag for all that share this scope at this width. */
  tagLabel(scope: Scope, width: Width, tag: string): Label {
    return this.labels.tag(tag, width === 'user' ? scope.at('user').user : undefined);
  }

  /** What a scope at a width covers, with or without one namespace. */
  view(scope: Scope, width: Width, namespace: string | undefined): View {
    const own = scope.at(width, namespace);
    const word = namespace === undefined ? undefined : this.naming.name('namespace', checkNamespace(namespace));
    const user = width === 'user' ? own.user : undefined;
    return {
      partition: this.partition(own, width),
      path: user === undefined ? undefined : this.path(own, width),
      namespace: word,
      label: this.viewLabel(user, namespace),
    };
  }

  /** A namespace in all its versions, of all partitions: in each it has the same label. */
  everywhere(namespace: string): View {
    const word = this.naming.name('namespace', checkNamespace(namespace));
    return { ...WHOLE_SHARD, namespace: word, label: this.viewLabel(undefined, namespace) };
  }

  private viewLabel(user: string | undefined, namespace: string | undefined): Label | undefined {
    if (user !== undefined)
      return namespace === undefined ? this.labels.user(user) : this.labels.userNamespace(user, namespace);
    return namespace === undefined ? undefined : this.labels.namespace(namespace);
  }

  private makeSpace(scope: Scope, width: Width, versioned: string, lead: string): Space {
    const own = scope.at(width, versioned);
    const at = versioned.lastIndexOf('@');
    const namespace = checkNamespace(at > 0 ? versioned.slice(0, at) : versioned);
    const word = this.naming.name('namespace', namespace);
    const version = at > 0 ? `@${this.naming.name('namespace', checkVersion(versioned.slice(at + 1)))}` : '';
    const user = width === 'user' ? own.user : undefined;
    const partition = this.partition(own, width);
    // The same text, not another one that says the same: of tenants there may be very many.
    const path = user === undefined ? partition : this.path(own, width);
    const name = `${path}/${word}`;
    return Object.freeze({
      home: this.home,
      scope: own,
      width,
      namespace,
      partition,
      path,
      name,
      // A digest is one of all parts: what would be a word of its own in front of it could be read.
      idPrefix: `${name}${version}/${this.naming.readable ? lead : ''}`,
      hiddenLead: this.naming.readable ? '' : lead,
      labels: this.labels.ofSpace(namespace, user),
      stats: this.statsRegistry.row({ name, partition, path, namespace: word }),
      remembered: { group: undefined },
    });
  }

  private partition(scope: Scope, width: Width): Partition {
    return width === 'global' ? GLOBAL_PARTITION : tenantPartition(this.naming.name('tenant', scope.tenant ?? ''));
  }

  private path(scope: Scope, width: Width): string {
    if (width !== 'user') return this.partition(scope, width);
    return `u.${this.naming.name('tenant', scope.tenant ?? '')}.${this.naming.name('user', scope.user ?? '')}`;
  }
}

/** The id of a text in a space. */
export function idIn(idPrefix: string, text: string): KeyId {
  return (idPrefix + text) as KeyId;
}

/** The parts of an id as a person would write them: texts as they are, parts joined by a colon. For lists and patterns. */
export function visibleKey(id: KeyId): string {
  const parts = id.slice(id.indexOf('/', id.indexOf('/') + 1) + 1);
  // A method that was called without arguments: what would set them apart from its name is not shown.
  return (parts.endsWith(',') ? parts.slice(0, -1) : parts)
    .split(',')
    .map((part) => (/^m?'/.test(part) ? unescapeText(part.slice(part.indexOf("'") + 1)) : part))
    .join(':');
}

/**
 * The same of an id that was found where others may have written, too. Undefined: no factory has made it, so it has no such
 * form, and a caller that asks for keys does not mean it.
 */
export function visibleKeyIn(id: KeyId): string | undefined {
  if (!/^[!-~]+$/.test(id)) return undefined;
  try {
    return visibleKey(id);
  } catch {
    // Percent signs that escape nothing. Documented outcome: undefined, and the walk that meets the id tells of it.
    return undefined;
  }
}

/** An id that comes back from where it was stored. It was made once; whether it still says so, its keeper has checked. */
export function storedId(text: string): KeyId {
  return text as KeyId;
}

/** What an id tells about its space. Where names are stored as digests, so is the namespace. */
export function originOf(id: KeyId): { readonly namespace: string; readonly width: Width } {
  const start = id.indexOf('/') + 1;
  const [word = ''] = id.slice(start, id.indexOf('/', start)).split('@', 1);
  return {
    namespace: nameIn(word),
    width: id.startsWith('g/') ? 'global' : id.startsWith('t.') ? 'tenant' : 'user',
  };
}

/** For messages, which have to be told whatever another process has written where ids stand. */
function nameIn(word: string): string {
  try {
    return unescapeText(word);
  } catch {
    return word;
  }
}

/** A namespace as written: not empty, well-formed, at most 128 characters, and no `@`, which sets the version apart. */
export function checkNamespace(namespace: string): string {
  const isSound = typeof namespace === 'string' && namespace !== '' && namespace.length <= MAX_NAMESPACE_LENGTH;
  if (!isSound || !namespace.isWellFormed() || namespace.includes('@')) {
    throw new CacheConfigError('namespace', `must be a text of 1 to ${MAX_NAMESPACE_LENGTH} characters without "@"`);
  }
  return namespace;
}

/** A key as callers give it: one value, or a list of parts. Nothing at all is not a key. */
export function partsOf(key: KeyParts): readonly unknown[] {
  if (key === undefined || key === null || key === '') throw new KeyInvalidError('key', 'is missing');
  return Array.isArray(key) ? key : [key];
}
