/** What every backend does for classes that inherit cached methods from each other. */
import { expect } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { BackendFactory } from '../../../lib/core/backend.js';
import { CacheModule } from '../../../lib/nest/cache.module.js';
import { CacheConfig } from '../../../lib/nest/decorators/cache-config.decorator.js';
import { CacheEvict } from '../../../lib/nest/decorators/cache-evict.decorator.js';
import { Cacheable } from '../../../lib/nest/decorators/cacheable.decorator.js';

@CacheConfig({ namespace: 'rows' })
class Rows {
  row = 'old';
  @Cacheable('1m')
  async findOne(id: string, _lang?: string): Promise<string> {
    return `${this.row} ${id}`;
  }
  @CacheEvict({ method: 'findOne' })
  async forget(_id: string, _lang?: string): Promise<void> {}
  @CacheEvict({ method: 'findOne', allEntries: true })
  async forgetAll(): Promise<void> {}
}

@Injectable()
class Shown extends Rows {
  @Cacheable('1m')
  override async findOne(id: string, lang?: string): Promise<string> {
    return `(${await super.findOne(id, lang)})`;
  }
}

@Injectable()
class Other extends Rows {}

/** A base and an override lose both of their entries, and no other class of their namespace reads or loses them. */
export async function proveChain(backend: BackendFactory, prefix: string): Promise<void> {
  const module = await Test.createTestingModule({
    imports: [CacheModule.forRoot({ backend, prefix })],
    providers: [Shown, Other],
  }).compile();
  await module.init();
  const [shown, other] = [module.get(Shown), module.get(Other)];
  try {
    for (const [forget, left] of [
      [() => shown.forget('1', undefined), 'old 1'],
      [() => shown.forgetAll(), 'new 1'],
    ] as const) {
      for (const it of [shown, other]) it.row = 'old';
      await shown.forgetAll();
      expect([await shown.findOne('1'), await other.findOne('1')]).toEqual(['(old 1)', 'old 1']);
      for (const it of [shown, other]) it.row = 'new';
      expect([await shown.findOne('1', undefined), await other.findOne('1')]).toEqual(['(old 1)', 'old 1']);
      await forget();
      expect([await shown.findOne('1'), await other.findOne('1')]).toEqual(['(new 1)', left]);
    }
  } finally {
    await module.close();
  }
}
