/** A process that computes for longer than any answer may take, and very many keys in one call, over MongoDB. */
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { memory } from '../../lib/backends/memory/memory.backend.js';
import { mongo } from '../../lib/backends/mongo/mongo.backend.js';
import { tiered } from '../../lib/backends/tiered/tiered.backend.js';
import { CacheModule } from '../../lib/nest/cache.module.js';
import { CacheService } from '../../lib/nest/cache.service.js';
import { MongoMachines } from '../support/mongo/mongo-machine.js';
import { MongoProcess } from '../support/mongo/mongo-process.js';
import { describeWithMongo } from '../support/mongo/require-mongo.js';
import { randomPrefix } from '../support/redis/redis-process.js';
import { proveBusy } from '../support/servers/busy.js';
import { proveManyKeys } from '../support/servers/many-keys.js';
import { soaking } from '../support/soak.js';

jest.setTimeout(soaking(900_000, 60_000));

describeWithMongo('a process on MongoDB', () => {
  let server: MongoProcess;
  const machines = new MongoMachines();
  beforeAll(async () => {
    server = await MongoProcess.start();
  });
  afterAll(async () => {
    await machines.close();
    await server.stop();
  });

  it('A75: that computes for long right after its calls loses no answer', async () => {
    // Shorter than the computation, and longer than a busy machine takes for a call.
    const options = { uri: server.url, timeout: '1s' } as const;
    const [alone, levels] = await Promise.all([
      machines.ready({ ...options, collection: randomPrefix() }),
      machines.ready({ ...options, collection: randomPrefix(), over: (l2) => tiered({ l1: memory(), l2 }) }),
    ]);
    await proveBusy({ alone, 'two levels': levels });
  });

  it('A73: that names very many keys in one call keeps the hits of another tenant', async () => {
    const backend = mongo({ uri: server.url, collection: randomPrefix(), timeout: '5s' });
    const cache = CacheModule.forRoot({ backend, prefix: randomPrefix(), isGlobal: true });
    const module = await Test.createTestingModule({ imports: [cache] }).compile();
    module.useLogger(false);
    await module.init();
    try {
      await proveManyKeys(module.get(CacheService), soaking(100_000, 1_100));
      expect((await module.get(CacheService).info()).kind).toBe('mongo');
    } finally {
      await module.close();
    }
  });
});
