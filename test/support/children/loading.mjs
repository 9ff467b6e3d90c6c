// An application of which several processes run, led by messages of its parent: { id, verb, ... } → { id, ... }. It is asked
// for keys whose loaders take a while, and closed by a signal as orchestrators do it.
import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { backendAt } from './backend-at.mjs';

const { address, nodes, near, prefix, limits, defaults } = JSON.parse(process.argv[2]);
const { CacheModule } = await import('../../../lib/nest/cache.module.ts');
const { CacheService } = await import('../../../lib/nest/cache.service.ts');

const backend = await backendAt(address, { timeout: '2s', near, nodes });
Logger.overrideLogger(false);
const app = await NestFactory.createApplicationContext(CacheModule.forRoot({ backend, prefix, limits, defaults }), {
  logger: false,
  abortOnError: false,
});
app.enableShutdownHooks();
const cache = app.get(CacheService).tenant('acme').namespace('cats');

const verbs = {
  /** So many callers at once: their answers, and how often their loader ran. */
  ask: async ({ name, loadMs, callers = 1, options }) => {
    let loads = 0;
    const beganAtMs = performance.now();
    const load = async () => {
      loads++;
      process.send({ isLoading: name });
      await new Promise((resolve) => setTimeout(resolve, loadMs));
      return `loaded by ${process.pid}`;
    };
    const asking = Array.from({ length: callers }, () => cache.getOrSet(name, load, options));
    return { answers: [...new Set(await Promise.all(asking))], loads, tookMs: performance.now() - beganAtMs };
  },
  count: async ({ name, times }) => {
    const counting = Array.from({ length: times }, () => cache.increment(name));
    const counted = await Promise.allSettled(counting);
    return { counts: counted.filter(({ status }) => status === 'fulfilled').map(({ value }) => value) };
  },
};

async function reply({ id, verb, ...rest }) {
  try {
    const answer = await verbs[verb](rest);
    if (process.connected) process.send({ id, ...answer });
  } catch (error) {
    process.send({ id, error: String(error) });
  }
}

process.on('message', (message) => void reply(message));
process.send({ isReady: true });
