/** Observables under decorators that do not end, or not soon: heard as they come, never stored, left when no subscriber listens. */
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Inject, Injectable } from '@nestjs/common';
import { firstValueFrom, from, lastValueFrom, map, Observable, take, toArray, type Subscriber } from 'rxjs';
import { Cacheable, CACHE_CONTEXT, CachePut, type CacheContext } from '../../../../lib/index.js';
import { closeAll, start, type Started } from '../support/start.js';

afterEach(closeAll);

/** A source that says what it is told to, and counts who has begun and left it. */
class Source {
  begun = 0;
  left = 0;
  readonly subscribers = new Set<Subscriber<unknown>>();

  readonly open = new Observable<unknown>((subscriber) => {
    this.begun++;
    this.subscribers.add(subscriber);
    return () => {
      this.left++;
      this.subscribers.delete(subscriber);
    };
  });

  say(value: unknown): void {
    for (const subscriber of this.subscribers) subscriber.next(value);
  }

  complete(): void {
    for (const subscriber of this.subscribers) subscriber.complete();
  }

  fail(): void {
    for (const subscriber of this.subscribers) subscriber.error(new RangeError('down'));
  }
}

@Injectable()
class Feeds {
  readonly source = new Source();
  runs = 0;

  constructor(@Inject(CACHE_CONTEXT) readonly context: CacheContext) {}

  @Cacheable()
  ticks(_id = ''): Observable<unknown> {
    return this.source.open;
  }

  @Cacheable({ staleIfError: '1d', ttl: '1s' })
  patient(): Observable<unknown> {
    return this.source.open;
  }

  @Cacheable({ staleWhileRevalidate: '1d', ttl: '1s' })
  refreshed(): Observable<unknown> {
    return this.source.open;
  }

  @Cacheable()
  atOnce(): Observable<number> {
    return from(
      (function* (feeds: Feeds) {
        while (feeds.runs < 100_000) yield feeds.runs++;
      })(this),
    );
  }

  @Cacheable()
  answer(): Observable<number> {
    this.runs++;
    return from([1, 2]);
  }

  @Cacheable({ key: ({ id }: { id: number }) => id })
  filtered(filter: { id: number }): Observable<unknown> {
    this.runs++;
    return from([filter.id]);
  }

  @CachePut({ namespace: 'Feeds.ticks', key: (id: string) => [id] })
  put(_id: string): Observable<unknown> {
    return this.source.open;
  }
}

interface Heard {
  readonly values: unknown[];
  state: 'open' | 'complete' | 'failed';
  leave(): void;
}

function listen(feed: Observable<unknown>): Heard {
  const heard: Heard = { values: [], state: 'open', leave: () => subscription.unsubscribe() };
  const subscription = feed.subscribe({
    next: (value) => heard.values.push(value),
    error: () => (heard.state = 'failed'),
    complete: () => (heard.state = 'complete'),
  });
  return heard;
}

/** So that what has been said in this turn is handed on. */
async function settle(): Promise<void> {
  for (let at = 0; at < 5; at++) await turn();
}

async function begin(): Promise<Started & { feeds: Feeds; source: Source }> {
  const started = await start({}, Feeds);
  const feeds = started.get(Feeds);
  return { ...started, feeds, source: feeds.source };
}

const warnings = ({ log }: Started): string[] => log.of('Cache').filter((line) => line.includes('Feeds.'));

describe('an Observable that does not end', () => {
  it('is heard as it comes, left with its last subscriber, not stored, and said once', async () => {
    const started = await begin();
    const { feeds, source, cache } = started;
    for (let round = 1; round <= 2; round++) {
      const one = listen(feeds.ticks());
      await settle();
      source.say(1);
      await settle();
      source.say(2);
      expect(one.values).toEqual([1, 2]);
      one.leave();
      expect([source.begun, source.left]).toEqual([round, round]);
      await settle();
    }
    expect((await cache.totals()).size).toBe(0);
    expect(warnings(started)).toEqual([expect.stringContaining('had not ended when its last subscriber left')]);
  });

  it('that says everything at once is heard until its subscriber has enough', async () => {
    const { feeds } = await begin();
    expect(await lastValueFrom(feeds.atOnce().pipe(take(3), toArray()))).toEqual([0, 1, 2]);
    expect(feeds.runs).toBeLessThan(20_000);
  });

  it('runs on for the others that wait, and is left by the last of them', async () => {
    const { feeds, source } = await begin();
    const [one, two] = [listen(feeds.ticks()), listen(feeds.ticks())];
    await settle();
    source.say(1);
    await settle();
    expect([one.values, two.values, source.begun]).toEqual([[1], [], 1]);
    one.leave();
    expect(source.left).toBe(0);
    two.leave();
    expect([source.begun, source.left]).toEqual([1, 1]);
  });

  it('keeps nobody waiting longer than a load of another process does', async () => {
    const { feeds, source, clock } = await begin();
    const [one, two] = [listen(feeds.ticks()), listen(feeds.ticks())];
    await settle();
    await clock.advance(11_000);
    expect(source.begun).toBe(1);
    source.say(1);
    await settle();
    expect(source.begun).toBe(2);
    source.say(2);
    expect([one.values, two.values]).toEqual([[1, 2], [2]]);
    const three = listen(feeds.ticks());
    await settle();
    await clock.advance(11_000);
    await settle();
    source.say(3);
    expect(three.values).toEqual([3]);
    for (const each of [one, two, three]) each.leave();
    expect([source.begun, source.left]).toEqual([3, 3]);
  });

  it('is collected no longer than a load may take; after that nobody waits at all', async () => {
    const started = await begin();
    const { feeds, source, clock } = started;
    const one = listen(feeds.ticks());
    await settle();
    source.say(1);
    await settle();
    await clock.advance(121_000);
    source.say(2);
    expect(one.values).toEqual([1, 2]);
    const two = listen(feeds.ticks());
    await settle();
    source.say(3);
    await settle();
    const three = listen(feeds.ticks());
    await settle();
    source.say(4);
    expect([one.values, two.values, three.values]).toEqual([[1, 2, 3, 4], [3, 4], [4]]);
    one.leave();
    expect(source.left).toBe(1);
    source.complete();
    await settle();
    expect([two.state, three.state]).toEqual(['complete', 'complete']);
    expect(warnings(started)).toEqual([expect.stringContaining('had not ended after maxLoad')]);
  });

  it('that took too long makes nobody wait less for other entries, nor for its own once one has ended in time', async () => {
    const { feeds, source, clock } = await begin();
    const late = listen(feeds.ticks('late'));
    await settle();
    await clock.advance(121_000);
    late.leave();
    await settle();
    const begun = source.begun;
    const others = [listen(feeds.ticks('other')), listen(feeds.ticks('other'))];
    await settle();
    source.say(1);
    await settle();
    expect(source.begun).toBe(begun + 1);
    source.complete();
    await settle();
    expect(others.map(({ values, state }) => [values, state])).toEqual(Array(2).fill([[1], 'complete']));

    const again = listen(feeds.ticks('late'));
    await settle();
    source.say(2);
    source.complete();
    await settle();
    expect(again.state).toBe('complete');
    await clock.advance(86_400_000);
    const pair = [listen(feeds.ticks('late')), listen(feeds.ticks('late'))];
    await settle();
    source.say(3);
    await settle();
    expect(source.begun).toBe(begun + 3);
    for (const each of pair) each.leave();
  });

  it('is not collected beyond what may be stored', async () => {
    const started = await begin();
    const { feeds, source, cache } = started;
    const one = listen(feeds.ticks());
    await settle();
    for (let at = 0; at < 3; at++) {
      source.say('x'.repeat(300_000));
      await settle();
    }
    expect(warnings(started)).toEqual([]);
    source.say('x'.repeat(300_000));
    source.say('end');
    source.complete();
    await settle();
    expect([one.values.length, one.values.at(-1), one.state]).toEqual([5, 'end', 'complete']);
    expect((await cache.totals()).size).toBe(0);
    expect(warnings(started)).toEqual([expect.stringContaining('grew beyond limits.maxValueBytes')]);
  });

  it('is left by a reload in the background after as long as a load may take', async () => {
    const { feeds, source, clock } = await begin();
    const first = lastValueFrom(feeds.refreshed().pipe(toArray()));
    await settle();
    source.say('old');
    source.complete();
    expect(await first).toEqual(['old']);
    await clock.advance(2_000);
    expect(await lastValueFrom(feeds.refreshed().pipe(toArray()))).toEqual(['old']);
    await settle();
    expect([source.begun, source.left]).toEqual([2, 1]);
    source.say('new');
    await clock.advance(121_000);
    expect([source.begun, source.left]).toEqual([2, 2]);
  });
});

describe('an Observable that ends', () => {
  it('in the turn in which it began is stored though its subscriber wants the first value only', async () => {
    const { feeds } = await begin();
    expect([await firstValueFrom(feeds.answer()), await firstValueFrom(feeds.answer()), feeds.runs]).toEqual([1, 1, 1]);
  });

  it('after a while is heard as it comes, stored as a whole, and complete when it is stored', async () => {
    const started = await begin();
    const { feeds, source } = started;
    const [one, two] = [listen(feeds.ticks()), listen(feeds.ticks())];
    await settle();
    source.say(1);
    await settle();
    source.say(2);
    source.complete();
    expect([one.values, one.state]).toEqual([[1, 2], 'open']);
    await settle();
    expect([one.state, two.values, two.state]).toEqual(['complete', [1, 2], 'complete']);
    expect(await lastValueFrom(feeds.ticks().pipe(toArray()))).toEqual([1, 2]);
    expect([source.begun, warnings(started)]).toEqual([1, []]);
  });

  it('and is stored is played back without a copy of the arguments', async () => {
    const { feeds } = await begin();
    await lastValueFrom(feeds.filtered({ id: 1 }));
    let looked = 0;
    const filter = new Proxy({ id: 1 }, { ownKeys: (target) => (looked++, Reflect.ownKeys(target)) });
    expect([await lastValueFrom(feeds.filtered(filter)), looked, feeds.runs]).toEqual([1, 0, 1]);
  });

  it('looks at its arguments anew for each subscription', async () => {
    const { feeds } = await begin();
    const filter = { id: 1 };
    const feed = feeds.filtered(filter);
    expect(await lastValueFrom(feed)).toBe(1);
    filter.id = 2;
    expect([await lastValueFrom(feed), feeds.runs]).toEqual([2, 2]);
  });

  it('in an error passes it on after what was heard', async () => {
    const { feeds, source } = await begin();
    const one = listen(feeds.ticks());
    await settle();
    source.say(1);
    await settle();
    source.fail();
    await settle();
    expect([one.values, one.state]).toEqual([[1], 'failed']);
  });

  it('is not heard before its end where an old one may stand in for it', async () => {
    const { feeds, source, clock } = await begin();
    const first = lastValueFrom(feeds.patient().pipe(toArray()));
    await settle();
    source.say('old');
    source.complete();
    await first;
    await clock.advance(2_000);
    const two = listen(feeds.patient());
    await settle();
    source.say('new');
    await settle();
    expect(two.values).toEqual([]);
    source.fail();
    await settle();
    expect([two.values, two.state]).toEqual([['old'], 'complete']);
  });

  it('is heard in the surroundings of its subscriber', async () => {
    const { feeds, source, as } = await begin();
    const users: unknown[] = [];
    as('acme/ann', () =>
      feeds
        .ticks()
        .pipe(map(() => users.push(feeds.context.scope().user)))
        .subscribe(),
    );
    await settle();
    source.say(1);
    await settle();
    source.say(2);
    source.complete();
    await settle();
    expect(users).toEqual(['ann', 'ann']);
  });
});

describe('@CachePut on an Observable', () => {
  it('is heard as it comes; when it is left before its end the entry goes', async () => {
    const started = await begin();
    const { feeds, source } = started;
    const old = lastValueFrom(feeds.ticks('x').pipe(toArray()));
    await settle();
    source.say('old');
    source.complete();
    await old;
    const one = listen(feeds.put('x'));
    await settle();
    source.say(1);
    await settle();
    source.say(2);
    expect(one.values).toEqual([1, 2]);
    one.leave();
    expect(source.left).toBe(2);
    await settle();
    expect(warnings(started)).toEqual([expect.stringContaining('@CachePut Feeds.put returned an Observable')]);
    listen(feeds.ticks('x'));
    await settle();
    expect(source.begun).toBe(3);
  });

  it('that is left before its turn does not begin, and nothing is said of it', async () => {
    const started = await begin();
    const { feeds, source } = started;
    listen(feeds.put('x')).leave();
    await settle();
    expect([source.begun, warnings(started)]).toEqual([0, []]);
  });

  it('stores it as a whole', async () => {
    const { feeds, source } = await begin();
    const one = listen(feeds.put('x'));
    await settle();
    source.say(1);
    await settle();
    source.say(2);
    source.complete();
    await settle();
    expect([one.values, one.state]).toEqual([[1, 2], 'complete']);
    expect(await lastValueFrom(feeds.ticks('x').pipe(toArray()))).toEqual([1, 2]);
    expect(source.begun).toBe(1);
  });
});
