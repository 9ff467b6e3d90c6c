import type { Codec } from '../../core/codec.js';
import type { RedisPool } from './connection/pool.js';
import { text } from './connection/reply.js';
import { CHECK_KEYS } from './scripts/check-keys.js';
import { ServerKeyCheck } from '../remote/key-check.js';

/** What tells the keys of a cache from others, in one hash beside its entries. */
export class KeyCheck extends ServerKeyCheck {
  private readonly hash: string;

  /** @param lead what every key of this cache starts with */
  constructor(codec: Codec, lead: string) {
    const hash = `${lead}keys`;
    super(codec, 'redis', `"${hash}"`);
    this.hash = hash;
  }

  /** @throws CacheConfigError when the server knows another key under one of the names */
  run(pool: RedisPool): Promise<void> {
    return this.asked(async (checks) => {
      const others = await pool.run(CHECK_KEYS, [this.hash], [...checks].flat());
      return (others as unknown[]).map(text);
    });
  }
}
