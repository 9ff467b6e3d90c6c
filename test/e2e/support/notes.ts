/** What every transport offers: notes of a tenant and of a user, behind each decorator and each verb of the service. */
import { setTimeout as pause } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { CACHE_CONTEXT, Cacheable, CacheContext, CacheEvict, CachePut, CacheService } from '../../../lib/index.js';

/** Who asks, as the client knows it: the value that comes back must say the same. */
export interface Who {
  readonly tenant?: string | undefined;
  readonly user?: string | undefined;
}

/** A value that says for whom, under which key and by which load it was made. */
export interface Seen {
  readonly t: string | undefined;
  readonly u: string | undefined;
  readonly k: string;
  readonly n: number;
}

export type Action =
  | 'board' // @Cacheable of a tenant
  | 'mine' // @Cacheable of a user
  | 'rewrite' // @CachePut over `mine`
  | 'forgetMine' // @CacheEvict of `mine`
  | 'forgetBoard' // @CacheEvict of `board`
  | 'forgetTag' // @CacheEvict by the tag of `board`
  | 'verbBoard' // cache.getOrSet
  | 'verbMine' // cache.user(…).getOrSet
  | 'deleteBoard' // cache.delete
  | 'deleteMine' // cache.user(…).delete
  | 'clear' // cache.clear
  | 'scope'; // who the handler itself runs for

@Injectable()
export class Notes {
  loads = 0;

  constructor(
    private readonly cache: CacheService,
    @Inject(CACHE_CONTEXT) private readonly context: CacheContext,
  ) {}

  async act(action: Action, key: string): Promise<Seen | number | boolean | void> {
    const user = this.context.scope().user ?? '';
    const verbs = this.cache.namespace('verbs');
    switch (action) {
      case 'verbBoard':
        return verbs.getOrSet(key, () => this.see(key));
      case 'verbMine':
        return verbs.user(user).getOrSet(key, () => this.see(key));
      case 'deleteBoard':
        return verbs.delete(key);
      case 'deleteMine':
        return verbs.user(user).delete(key);
      case 'clear':
        return this.cache.clear();
      case 'scope':
        return { t: this.context.scope().tenant, u: this.context.scope().user, k: key, n: 0 };
      default:
        return this[action](key);
    }
  }

  @Cacheable({ scope: 'tenant', tags: (key: string) => [`board:${key}`] })
  async board(key: string): Promise<Seen> {
    return this.see(key);
  }

  @Cacheable({ scope: 'user' })
  async mine(key: string): Promise<Seen> {
    return this.see(key);
  }

  @CachePut({ namespace: 'Notes.mine', scope: 'user', key: (key: string) => key })
  async rewrite(key: string): Promise<Seen> {
    return this.see(key);
  }

  @CacheEvict({ method: 'mine' })
  async forgetMine(key: string): Promise<void> {
    await pause(key.length % 2);
  }

  @CacheEvict({ method: 'board' })
  async forgetBoard(key: string): Promise<void> {
    await pause(key.length % 2);
  }

  @CacheEvict({ tags: (key: string) => [`board:${key}`], scope: 'tenant' })
  async forgetTag(key: string): Promise<void> {
    await pause(key.length % 2);
  }

  /** Looks at the scope after it has waited: what was lost on the way shows. */
  private async see(k: string): Promise<Seen> {
    const n = ++this.loads;
    await pause(n % 3);
    const { tenant: t, user: u } = this.context.scope();
    await Promise.resolve();
    return { t, u, k, n };
  }
}
