/**
 * Finds out that two processes call different keys by one name. What one of them seals, the other cannot open; it would
 * load and store everything again, and so would the first. Beside the entries lies, for each name, what tells its key
 * from others (and nothing about it): whoever comes first writes it, and whoever comes with another key seals nothing.
 */
import type { Codec } from '../core/codec.js';
import { CacheConfigError } from '../core/errors.js';
import type { RedisLink } from './redis.link.js';
import { text } from './redis.reply.js';
import { CHECK_KEYS } from './redis.scripts.js';
import { RefusedError } from './refused.error.js';

export class KeyCheck {
  private misfit: CacheConfigError | undefined;

  constructor(
    private readonly codec: Codec,
    /** What every key of this cache starts with. */
    private readonly lead: string,
  ) {}

  /**
   * Asks the server; without an answer nothing is known, and the next connection asks again.
   * @throws CacheConfigError when it knows another key under one of the names
   */
  async run(link: RedisLink): Promise<void> {
    const { keyChecks } = this.codec;
    if (keyChecks.size === 0) return;
    const place = `${this.lead}keys`;
    const reply = await link.run(CHECK_KEYS, [place], [...keyChecks].flat()).catch(() => undefined);
    if (reply === undefined) return;
    const others = (reply as unknown[]).map(text);
    this.misfit = others.length === 0 ? undefined : misfitOf(others, place);
    if (this.misfit !== undefined) throw this.misfit;
  }

  /** The same codec, which seals only as long as its keys are those of everybody else. */
  guarded(): Codec {
    const { codec } = this;
    return {
      keyChecks: codec.keyChecks,
      open: (bytes, id) => codec.open(bytes, id),
      peek: (prefix, id) => codec.peek(prefix, id),
      seal: (entry, id) => {
        if (this.misfit !== undefined) throw new RefusedError('sealing', 'redis', { cause: this.misfit });
        return codec.seal(entry, id);
      },
    };
  }
}

function misfitOf(ids: readonly string[], place: string): CacheConfigError {
  return new CacheConfigError(
    'codec.encryption.keys',
    `the secret of ${ids.map((id) => `"${id}"`).join(', ')} is not the one with which this cache was begun. Nothing was ` +
      'changed on the server. Give this process the right secret, or give a new secret a new id (and keep the old one ' +
      `behind it). If the first process had the wrong one, delete "${place}" on the server.`,
  );
}
