/** What the compiler makes of the verbs. Nothing here runs. */
import {
  CacheModule,
  type CacheService,
  fromClaims,
  fromHeader,
  type LoaderContext,
  memory,
  type ScopedCache,
} from '../../lib/index.js';

/** True when two types are the same one. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_: Same<A, B>): void {}

interface Cat {
  readonly id: string;
  readonly days: number;
}
declare const cache: CacheService;
declare const tom: Cat;
/** As query builders are typed: with all that a promise has, and more. */
declare const query: Promise<Cat[]> & { limit(count: number): unknown };
declare function fail(): never;
/** Passes on what it is given, whatever that is. */
export const passedOn = <R>(work: () => R): R => cache.runInScope<R>({ tenant: 'acme' }, work);
export const promisedOn = <T>(work: () => Promise<T>): Promise<T> => cache.runInScope({ tenant: 'acme' }, work);

export async function verbs(): Promise<void> {
  const got = await cache.get<Cat>('k');
  same<typeof got, Cat | undefined>(true);
  const orNull = await cache.get<Cat, null>('k', { default: null });
  same<typeof orNull, Cat | null>(true);
  const unknown = await cache.get('k');
  same<typeof unknown, unknown>(true);
  const made = await cache.getOrSet('k', async ({ scope, signal }) => ({ tenant: scope.tenant, signal }));
  same<typeof made, { tenant: string | undefined; signal: AbortSignal }>(true);
  const kept = await cache.getOrSet('k', ({ previous, notModified }) => (previous === undefined ? tom : notModified()));
  same<typeof kept, Cat>(true);
  const typed = await cache.getOrSet<Cat>('k', ({ previous, notModified }) => {
    same<typeof previous, Cat | undefined>(true);
    return previous?.id === '1' ? notModified() : tom;
  });
  same<typeof typed, Cat>(true);
  const annotated = await cache.getOrSet('k', async ({ previous }: LoaderContext<Cat>) => previous ?? tom);
  same<typeof annotated, Cat>(true);
  const many = await cache.getMany<Cat, string>(['a', 'b']);
  same<typeof many, Map<string, Cat>>(true);
  const view = cache.tenant('acme').user('ann').namespace('x').global().for({ tenant: 'acme' });
  same<typeof view, ScopedCache>(true);
  const ran = cache.runInScope({ tenant: 'acme' }, async () => 7);
  same<typeof ran, Promise<number>>(true);
  const begunThere = cache.runInScope({ tenant: 'acme' }, () => query);
  same<typeof begunThere, Promise<Cat[]>>(true);
  // @ts-expect-error it has begun, so it has no `limit` any more
  void cache.runInScope({ tenant: 'acme' }, () => query).limit(1);
  const atOnce = cache.runInScope({ tenant: 'acme' }, () => tom);
  same<typeof atOnce, Cat>(true);
  const perhaps = cache.runInScope({ tenant: 'acme' }, () => (tom.days > 1 ? tom : Promise.resolve(tom)));
  same<typeof perhaps, Cat | Promise<Cat>>(true);
  const whatever = cache.runInScope({ tenant: 'acme' }, () => JSON.parse('1'));
  same<typeof whatever, ReturnType<typeof JSON.parse>>(true);
  const never = (): never => cache.runInScope({ tenant: 'acme' }, (): never => fail());
  same<typeof never, () => never>(true);
  const loadedByQuery = await cache.getOrSet('k', () => query);
  same<typeof loadedByQuery, Cat[]>(true);

  await cache.getOrSet('k', async () => tom, { ttl: (cat) => cat.days * 86_400_000 });
  await cache.set('k', tom, { ttl: (cat) => `${cat.days}d` });
  await cache.set('k', tom, { ttl: null, tags: ['cats'] });
  await cache.setMany([['k', tom]], { ttl: '5m' });
  for await (const key of cache.keys()) same<typeof key, string>(true);

  // @ts-expect-error the value has no age
  await cache.getOrSet('k', async () => tom, { ttl: (cat) => cat.age });
  // @ts-expect-error not a duration
  await cache.set('k', tom, { ttl: 'soon' });
  // @ts-expect-error not an option
  await cache.set('k', tom, { tag: ['x'] });
  await cache.clearEverything({ confirm: 'all tenants', namespace: 'prices', failSilently: true });
  // @ts-expect-error a namespace is a text
  await cache.clearEverything({ confirm: 'all tenants', namespace: 7 });
  // @ts-expect-error it wants to be meant
  await cache.clearEverything();
  // @ts-expect-error it wants to be meant in these words
  await cache.clearEverything({ confirm: true });
  // @ts-expect-error a tenant is a text
  cache.tenant(7);
  // @ts-expect-error both would be all, which is not there yet
  await cache.invalidateTags(['x'], { match: 'all' });
}

export const modules = [
  CacheModule.forRoot(),
  CacheModule.forRoot({ backend: memory(), scope: { resolve: fromClaims({ tenant: 'org' }) }, isGlobal: false }),
  CacheModule.forRootAsync({ useFactory: async () => ({ prefix: 'x' }), name: 'reports' }),
  // @ts-expect-error there is no third choice
  CacheModule.forRoot({ scope: { onMissing: 'global' } }),
  // @ts-expect-error not an option
  CacheModule.forRoot({ tll: '5m' }),
  // @ts-expect-error any client can send a header: this must be said
  CacheModule.forRoot({ scope: { resolve: fromHeader('x-tenant') } }),
];
