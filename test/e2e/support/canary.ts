/** Requests of a thousand tenants, interleaved at random; every value says for whom it was made. */
import { setImmediate as turn } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { Observable, defer, from, lastValueFrom, mergeMap } from 'rxjs';
import { CACHE_CONTEXT, Cacheable, CacheContext, CacheEvict, CachePut, CacheService } from '../../../lib/index.js';
import type { Seen, Who } from './notes.js';

export const TENANTS = 1_000;
export const USERS = 2;
export const KEYS = 6;

/** Which verb comes next: reads are half of everything. */
export function nextVerb(roll: (sides: number) => number): number {
  return roll(2) === 0 ? [0, 1, 8][roll(3)]! : roll(14);
}

/** A small generator with a seed: a failure can be run again. */
export function dice(seed: number): (sides: number) => number {
  let state = seed | 0;
  return (sides) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state & 0x7fffffff) % sides;
  };
}

/** One for all: what is thrown is not looked at, and making one is not free. */
export const FAILURE = Object.freeze(new Error('on purpose'));

@Injectable()
export class Canary {
  private n = 0;
  private readonly roll = dice(7);

  constructor(
    private readonly cache: CacheService,
    @Inject(CACHE_CONTEXT) private readonly context: CacheContext,
  ) {}

  @Cacheable({ scope: 'tenant', tags: (k: string) => [k] })
  async shared(k: string): Promise<Seen> {
    return this.make(k);
  }

  @Cacheable({ scope: 'user', tags: ['own'] })
  async own(k: string): Promise<Seen> {
    return this.make(k);
  }

  @Cacheable({ scope: 'user', ttl: 3, staleWhileRevalidate: '1s' })
  async aging(k: string): Promise<Seen> {
    return this.make(k);
  }

  @Cacheable({ scope: 'user' })
  async nested(k: string): Promise<readonly Seen[]> {
    return Promise.all([this.own(k), this.shared(k), this.make(k)]);
  }

  @Cacheable({ scope: 'user' })
  sequence(k: string): Observable<Seen> {
    return defer(() => from([this.make(k), this.make(k)])).pipe(mergeMap((seen) => from(seen)));
  }

  @CachePut({ namespace: 'Canary.own', scope: 'user', key: (k: string) => k })
  async rewrite(k: string): Promise<Seen> {
    return this.make(k);
  }

  @CacheEvict({ method: 'own' })
  async forgetOwn(_k: string): Promise<void> {
    await turn();
  }

  @CacheEvict({ scope: 'tenant', tags: (k: string) => [k, 'own'] })
  async forgetTags(_k: string): Promise<void> {
    await turn();
  }

  /** One request, as `who`, inside of that scope already. */
  async request(who: Who, verb: number, k: string): Promise<readonly Seen[]> {
    const verbs = this.cache.namespace('canary');
    const mine = verbs.user(who.user ?? '');
    switch (verb) {
      case 0:
        return [await this.shared(k)];
      case 1:
        return [await this.own(k)];
      case 2:
        return [await this.aging(k)];
      case 3:
        return [...(await this.nested(k))];
      case 4:
        return [await lastValueFrom(this.sequence(k))];
      case 5:
        return [await this.rewrite(k)];
      case 6:
        await this.forgetOwn(k);
        return [];
      case 7:
        await this.forgetTags(k);
        return [];
      case 8:
        return [await verbs.getOrSet(k, () => this.make(k))];
      case 9:
        return [await mine.getOrSet(k, () => this.make(k), { ttl: 5 })];
      case 10: {
        const own = await this.make(k);
        await mine.set(k, own);
        return [own];
      }
      case 11:
        return [...(await mine.getMany<Seen>([k])).values(), ...(await verbs.getMany<Seen>([k])).values()];
      case 12:
        await mine.delete(k);
        return [];
      default: {
        const found = await this.cache.for({ tenant: who.tenant, user: who.user }).namespace('canary').get<Seen>(k);
        return found === undefined ? [] : [found];
      }
    }
  }

  private async make(k: string): Promise<Seen> {
    const n = ++this.n;
    for (let turns = this.roll(2); turns > 0; turns--) await turn();
    if (this.roll(25) === 0) throw FAILURE;
    const { tenant: t, user: u } = this.context.scope();
    return { t, u, k, n };
  }
}

/** Looks at every value that comes back; what is not the asker's own is kept as foreign. */
export class Watch {
  readonly foreign: unknown[] = [];
  values = 0;
  /** By number of the load: no value changes what it says. */
  private readonly origins: string[] = [];

  look(who: Who, k: string, seen: Seen): void {
    this.values++;
    const origin = `${seen.t}/${seen.u}/${seen.k}`;
    const known = this.origins[seen.n];
    const isOwn = seen.t === who.tenant && (seen.u === undefined || seen.u === who.user) && seen.k === k;
    if (!isOwn || (known !== undefined && known !== origin)) this.foreign.push({ who, k, seen, known });
    this.origins[seen.n] = origin;
  }
}
