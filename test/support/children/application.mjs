// An application with a cache on Redis, in a process of its own: it says how long its start took, does what it is told, and
// is given up by itself when it was closed. Its options are those of `redis()`; with `adopted` they are those of a client.
import { randomBytes } from 'node:crypto';
import { register } from 'node:module';

const { version, prefix, options, adopted, isEncrypted, isTiered } = JSON.parse(process.argv[2]);
if (version === 5) register('./ioredis-5.hooks.mjs', import.meta.url);
const { NestFactory } = await import('@nestjs/core');
const { CacheModule } = await import('../../../lib/nest/cache.module.ts');
const { CacheService } = await import('../../../lib/nest/cache.service.ts');
const { redis } = await import('../../../lib/backends/redis/redis.backend.ts');
const { memory } = await import('../../../lib/backends/memory/memory.backend.ts');
const { tiered } = await import('../../../lib/backends/tiered/tiered.backend.ts');
const { Cluster, Redis } = await import('ioredis');
const { timed } = await import('../time.ts');

const { nodes, ...rest } = adopted ?? {};
const client = adopted && (nodes === undefined ? new Redis(adopted) : new Cluster(nodes, rest));
client?.on('error', () => undefined);
const l2 = redis({ ...options, client });
const secret = randomBytes(32).toString('base64');
const module = CacheModule.forRoot({
  prefix,
  backend: isTiered ? tiered({ l1: memory(), l2 }) : l2,
  observers: [(event) => event.type === 'warning' && process.send({ warned: event.message })],
  codec: isEncrypted ? { encryption: { keys: [{ id: 'one', secret }] } } : {},
});
const { answer: app, tookMs: startedMs } = await timed(() =>
  NestFactory.createApplicationContext(module, { logger: false, abortOnError: false }).catch((error) => {
    process.send({ failed: error.message });
    process.exit(1);
  }),
);
process.send({ startedMs });
const cache = app.get(CacheService);
process.on('message', (verb) => void answer(verb));

async function answer(verb) {
  if (verb === 'close') {
    await app.close();
    client?.disconnect();
    process.disconnect();
  } else if (verb === 'set many') {
    const setting = Array.from({ length: 50 }, (_, at) => cache.set(`cat ${at}`, 'Tom'));
    process.send({ refused: (await Promise.allSettled(setting)).filter(({ status }) => status === 'rejected').length });
  } else process.send({ isHit: await isHit() });
}

/** Whether what is stored is found again. */
async function isHit() {
  await cache.set('cat', 'Tom').catch(() => undefined);
  return (await cache.get('cat')) === 'Tom';
}
