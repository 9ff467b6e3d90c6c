import 'reflect-metadata';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, Module } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { Cacheable, CacheEvict, CacheModule, CacheService, CacheScope } from '../../../lib/index.js';
import { CacheTestingModule } from '../../../lib/testing.js';
import { KeptLog } from '../../e2e/support/quiet.js';

@Injectable()
class CatsService {
  runs = 0;

  @CacheScope('user')
  @Cacheable({ ttl: '5m' })
  async find(id: string): Promise<string> {
    return `${id} ${++this.runs}`;
  }

  @CacheEvict({ method: 'find' })
  async forget(id: string): Promise<string> {
    return id;
  }
}

@Module({ providers: [CatsService], exports: [CatsService] })
class CatsModule {}

const open: TestingModule[] = [];
afterEach(async () => {
  for (const module of open.splice(0)) await module.close();
});

async function compiled(building: ReturnType<typeof Test.createTestingModule>): Promise<CatsService> {
  const module = await building.setLogger(new KeptLog()).compile();
  open.push(module);
  return module.get(CatsService);
}

async function expectPlain(cats: CatsService): Promise<void> {
  expect([await cats.find('a'), await cats.find('a'), await cats.forget('a')]).toEqual(['a 1', 'a 2', 'a']);
}

describe('a spec written the Nest way', () => {
  it('is refused without a cache, with the line to write', async () => {
    const failure = compiled(Test.createTestingModule({ providers: [CatsService] }));
    await expect(failure).rejects.toThrow(
      "in a test write imports: [CacheTestingModule.forUnit()] (from 'nestjs-scoped-cache/testing')",
    );
    await expect(failure).rejects.toThrow('CacheService of CacheModule.forRoot() in the root module');
    await expect(compiled(Test.createTestingModule({ imports: [CatsModule] }))).rejects.toThrow('forUnit()');
  });

  it('runs its methods as they were written with that line, those of feature modules too', async () => {
    const imports = [CacheTestingModule.forUnit()];
    await expectPlain(await compiled(Test.createTestingModule({ imports, providers: [CatsService] })));
    await expectPlain(await compiled(Test.createTestingModule({ imports: [CatsModule, ...imports] })));
  });

  it('leaves objects that are made by hand beside it, as in specs that do not close their module', async () => {
    await compiled(Test.createTestingModule({ imports: [CacheTestingModule.forUnit()], providers: [CatsService] }));
    await expectPlain(new CatsService());
    await compiled(Test.createTestingModule({ imports: [CacheModule.forRoot(), CatsModule] }));
    await expect(async () => new CatsService().find('a')).rejects.toThrow('has not made');
  });

  it('needs nothing with useMocker that mocks what it is asked for, and the line with one that does not', async () => {
    await expectPlain(
      await compiled(Test.createTestingModule({ providers: [CatsService] }).useMocker(() => ({ get: () => 1 }))),
    );
    const none = Test.createTestingModule({ providers: [CatsService] }).useMocker(() => undefined);
    await expect(compiled(none)).rejects.toThrow('forUnit()');
  });

  it('runs its methods where overrideProvider puts a stand-in in the place of the service', async () => {
    for (const cache of [CacheModule.forRoot(), CacheTestingModule.forUnit(), CacheTestingModule.forTest()])
      await expectPlain(
        await compiled(
          Test.createTestingModule({ imports: [CatsModule, cache] })
            .overrideProvider(CacheService)
            .useValue({}),
        ),
      );
  });

  it('goes through the hooks of an application', async () => {
    const module = await Test.createTestingModule({ imports: [CacheTestingModule.forUnit(), CatsModule] }).compile();
    open.push(module);
    await module.createNestApplication({ logger: new KeptLog() }).init();
    await expectPlain(module.get(CatsService));
    expect(await module.get(CacheService).getOrSet('x', () => 1)).toBe(1);
  });
});
