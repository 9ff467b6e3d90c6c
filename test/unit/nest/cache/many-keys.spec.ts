/** Lists of any length in memory, where every call could be done in one turn of the event loop. */
import { afterEach, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { CacheEvict, KeyInvalidError, memory } from '../../../../lib/index.js';
import { beside, proveManyKeys } from '../../../support/servers/many-keys.js';
import { soaking } from '../../../support/soak.js';
import { closeAll, start } from '../support/start.js';

afterEach(closeAll);

const MANY = soaking(400_000, 5_000);

@Injectable()
class Cats {
  @CacheEvict({ scope: 'tenant', namespace: 'default', keys: (names: string[]) => names })
  async remove(names: string[]): Promise<number> {
    return names.length;
  }
}

it('A73: very many keys take a turn for each portion, whatever is done with them', async () => {
  const { cache } = await start({ backend: memory({ maxEntries: 2 * MANY, maxBytes: 2 ** 30 }) });
  await proveManyKeys(cache, MANY);
});

it('A73: so do those of a method that evicts, which begins behind them', async () => {
  const { cache, get, as } = await start({ backend: memory({ maxEntries: 2 * MANY, maxBytes: 2 ** 30 }) }, Cats);
  const names = Array.from({ length: MANY }, (_, at) => `cat ${at}`);
  await cache.tenant('beta').set('small', 'stays');
  await cache.tenant('acme').setMany(names.map((name) => [name, name] as const));
  const { result, loads, turns } = await beside(cache, () => as('acme', () => get(Cats).remove(names)));
  expect([result, loads]).toEqual([MANY, 0]);
  // Once for what it says, once for the keys, once for the entries.
  expect(turns).toBeGreaterThanOrEqual(3 * (MANY / 1_000 - 1));
  expect((await cache.tenant('acme').getMany(names)).size).toBe(0);
});

it('A73: a name that is none is found before anything is removed, however far behind it stands', async () => {
  const { cache } = await start({ backend: memory({ maxEntries: 20_000 }) });
  const acme = cache.tenant('acme');
  const names: unknown[] = Array.from({ length: 5_000 }, (_, at) => `cat ${at}`);
  await acme.set('cat 0', 'Tom');
  const removing = acme.deleteMany([...names, [() => 'no name']] as string[]);
  await expect(removing).rejects.toBeInstanceOf(KeyInvalidError);
  expect(await acme.get('cat 0')).toBe('Tom');
});

it('A73: a list that its caller changes while it is walked through means what it said at first', async () => {
  const { cache } = await start({ backend: memory({ maxEntries: 20_000 }) });
  const acme = cache.tenant('acme');
  const names = Array.from({ length: 5_000 }, (_, at) => `cat ${at}`);
  await acme.setMany(names.map((name) => [name, name] as const));
  const [asked, named] = [[...names], [...names]];
  const finding = acme.getMany(asked);
  asked.length = 0;
  expect((await finding).size).toBe(5_000);
  const removing = acme.deleteMany(named);
  named.length = 0;
  expect(await removing).toBe(5_000);
});
