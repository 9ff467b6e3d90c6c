// An application of a history (test/history/crowd), led by messages of its parent: { id, verb, key } → { id, answer | error }.
// SIGTERM ends it as Nest does; a call that is under way then is answered first, as a server for HTTP does it.
const { isTiered, prefix, spots, redis: options } = JSON.parse(process.argv[2]);
const { Module } = await import('@nestjs/common');
const { NestFactory } = await import('@nestjs/core');
const { CacheModule } = await import('../../../lib/nest/cache.module.ts');
const { CacheService } = await import('../../../lib/nest/cache.service.ts');
const { redis } = await import('../../../lib/backends/redis/redis.backend.ts');
const { memory } = await import('../../../lib/backends/memory/memory.backend.ts');
const { tiered } = await import('../../../lib/backends/tiered/tiered.backend.ts');

const { maxUnvalidated, ...rest } = options;
const l2 = redis(rest);
let underWay = 0;
let drained = () => undefined;

class Drain {
  beforeApplicationShutdown() {
    return underWay === 0 ? undefined : new Promise((resolve) => (drained = resolve));
  }
}

class Application {}
Module({
  imports: [CacheModule.forRoot({ prefix, backend: isTiered ? tiered({ l1: memory(), l2, maxUnvalidated }) : l2 })],
  providers: [Drain],
})(Application);

const app = await NestFactory.createApplicationContext(Application, { logger: false });
app.enableShutdownHooks();
const cache = app.get(CacheService);

/** Loaders ask the parent, which knows the source. */
const asked = new Map();
let loads = 0;
const load = (key) =>
  new Promise((resolve) => {
    asked.set(++loads, resolve);
    process.send({ load: loads, key });
  });

const of = (key) => cache.tenant(spots[key].tenant).namespace('pets');
const verbs = {
  read: (key) =>
    of(key).getOrSet(spots[key].name, () => load(key), {
      tags: [spots[key].tag],
      ttl: null,
      answerEarly: key % 2 === 0,
    }),
  delete: (key) => of(key).delete(spots[key].name),
  tag: (key) => of(key).invalidateTags([spots[key].tag]),
  clear: (key) => cache.tenant(spots[key].tenant).clear(),
  namespace: () => cache.clearEverything({ confirm: 'all tenants', namespace: 'pets' }),
};

process.on('message', ({ id, verb, key, loaded, value }) => {
  if (loaded === undefined) void answer(id, verb, key);
  else {
    asked.get(loaded)?.(value);
    asked.delete(loaded);
  }
});

async function answer(id, verb, key) {
  underWay++;
  try {
    process.send({ id, answer: await verbs[verb](key) });
  } catch (error) {
    process.send({ id, error: error.code ?? String(error) });
  }
  if (--underWay === 0) drained();
}

process.on('disconnect', () => process.exit());
process.send({ ready: true });
