import type { Level } from './entry.js';
import { idIn } from './keys/key.js';
import { digestOf } from './keys/key-digest.js';
import type { Width } from './keys/scope.js';
import type { Space } from './keys/space.js';
import type { CacheEvent } from './observer.js';
import type { Verdict } from './verdict.js';

const INSPECT = Symbol.for('nodejs.util.inspect.custom');

type Hit = Extract<CacheEvent, { type: 'hit' }>;

/**
 * A hit as observers get it. The digest of its key costs several times what the hit itself does, and most observers only
 * count: it is worked out when it is looked at, by its name, in JSON or in a log. What it is worked out from stays hidden.
 */
export class HitEvent implements Hit {
  readonly type = 'hit';
  readonly namespace: string;
  readonly width: Width;
  readonly #idPrefix: string;
  readonly #text: string;

  constructor(
    { namespace, width, idPrefix }: Space,
    text: string,
    readonly verdict: Verdict,
    readonly level: Level,
    readonly durationMs: number,
  ) {
    this.namespace = namespace;
    this.width = width;
    this.#idPrefix = idPrefix;
    this.#text = text;
  }

  get keyDigest(): string {
    return digestOf(idIn(this.#idPrefix, this.#text));
  }

  toJSON(): Hit {
    const { type, namespace, width, verdict, level, durationMs, keyDigest } = this;
    return { type, namespace, width, verdict, level, durationMs, keyDigest };
  }

  [INSPECT](): Hit {
    return this.toJSON();
  }
}
