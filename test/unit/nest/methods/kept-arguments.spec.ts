/** The method may run later than its key was made, and its caller may have changed the arguments by then. */
import 'reflect-metadata';
import { afterEach, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Cacheable, memory } from '../../../../lib/index.js';
import { closeAll, start } from '../support/start.js';

afterEach(closeAll);

class OrmLike {
  page = 1;
  __helper = 1;
  __meta = 1;
}
class Big {
  page = 1;
  text = 'x'.repeat(3_000);
}
/** Part of a key by its `toKey`, and no data that could be copied. */
class Uncopied {
  page = 1;
  next = (): number => this.page + 1;
}
const POLICY = { scope: 'global', ttl: '1s', staleWhileRevalidate: '1h' } as const;

@Injectable()
class Lists {
  runs = 0;
  @Cacheable(POLICY)
  async orm(dto: OrmLike): Promise<string> {
    return this.answer(dto);
  }
  @Cacheable(POLICY)
  async big(dto: Big): Promise<string> {
    return this.answer(dto);
  }
  @Cacheable(POLICY)
  async uncopied(dto: Uncopied): Promise<string> {
    return this.answer(dto);
  }
  private async answer({ page }: { page: number }): Promise<string> {
    this.runs++;
    await Promise.resolve();
    return `page ${page}`;
  }
}

async function begin(): Promise<{ lists: Lists; pass: () => unknown }> {
  const codec = { types: [{ type: Uncopied, toKey: ({ page }: Uncopied) => page }] };
  const { get, clock } = await start({ backend: memory(), limits: { maxValueBytes: 1_024 }, codec }, Lists);
  return { lists: get(Lists), pass: () => clock.advance(2_000) };
}
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
};

it.each([
  ['big', Big],
  ['uncopied', Uncopied],
] as const)('%s: what is changed meanwhile is not stored under the key of what it was', async (name, Type) => {
  const { lists, pass } = await begin();
  const made = (): never => new Type() as never;
  expect(await lists[name](made())).toBe('page 1');
  await pass();
  const dto: { page: number } = made();
  const stale = lists[name](dto as never);
  dto.page = 2;
  expect(await stale).toBe('page 1');
  await settle();
  expect(await lists[name](made())).toBe('page 1');
});

it('what cannot be copied is refreshed all the same while it stays as it was', async () => {
  const { lists, pass } = await begin();
  await lists.uncopied(new Uncopied());
  await pass();
  await lists.uncopied(new Uncopied());
  await settle();
  await lists.uncopied(new Uncopied());
  await settle();
  expect(lists.runs).toBe(2);
});

it('an instance with the state of an ORM on it is no part of a key', async () => {
  const { lists } = await begin();
  await expect(lists.orm(new OrmLike())).rejects.toThrow('is an entity of MikroORM (OrmLike), which cannot be stored');
});
