import { describe, expect, it } from '@jest/globals';
import { compileGlob, type Glob } from '../../../../lib/core/keys/glob.js';
import { PORTION_STEPS } from '../../../../lib/core/async/pace.js';
import { FakeClock } from '../../../../lib/testing/fake.clock.js';
import { RunInContext } from '../support/inside.js';

/** Sees what is done between two turns of the event loop. */
class TurnClock extends FakeClock {
  turns = 0;
  atTurn: (() => void) | undefined;

  override async breathe(): Promise<void> {
    await super.breathe();
    this.turns++;
    this.atTurn?.();
  }
}

/** Characters times words of the pattern that are compared in one turn, at most. */
class Meter {
  most = 0;
  total = 0;
  private inTurn = 0;

  over(glob: Glob): Glob {
    const test = (text: string): boolean => {
      this.inTurn += text.length * glob.stepsPerCharacter;
      this.total += text.length * glob.stepsPerCharacter;
      this.most = Math.max(this.most, this.inTurn);
      return glob.test(text);
    };
    return { ...glob, test };
  }

  endTurn(): void {
    this.inTurn = 0;
  }
}

const LONG = 'a'.repeat(110);
const PATTERN = `*${'a*'.repeat(59)}b`;

function filled(entries: number): { inside: RunInContext<TurnClock>; meter: Meter; match: Glob } {
  const inside = new RunInContext<TurnClock>({}, { clock: new TurnClock() });
  const keyOf = (index: number) => [index, ...Array.from({ length: 7 }, () => LONG)];
  const space = inside.key('any').space;
  for (let index = 0; index < entries; index++)
    inside.write(inside.keyFactory.key(space, keyOf(index), undefined), index);
  const meter = new Meter();
  inside.clock.atTurn = () => meter.endTurn();
  return { inside, meter, match: meter.over(compileGlob(PATTERN)) };
}

describe('a portion of a scan is bounded by its work, not by its records', () => {
  it('a pattern over long keys: removing by it', async () => {
    const { inside, meter, match } = filled(600);
    expect(await inside.backend.removeMatching({ view: inside.view(), match })).toBe(0);
    expect(meter.total).toBeGreaterThan(3 * PORTION_STEPS);
    expect(meter.most).toBeLessThanOrEqual(PORTION_STEPS);
  });

  it('a pattern over long keys: listing by it', async () => {
    const { inside, meter, match } = filled(600);
    let cursor: string | undefined;
    do cursor = (await inside.backend.scan({ view: inside.view(), match }, cursor)).cursor;
    while (cursor !== undefined);
    expect(meter.total).toBeGreaterThan(3 * PORTION_STEPS);
    expect(meter.most).toBeLessThanOrEqual(PORTION_STEPS);
  });

  it('twenty of them at once: together they do no more in a turn than one', async () => {
    const { inside, meter, match } = filled(200);
    const all = Array.from({ length: 20 }, () => inside.backend.removeMatching({ view: inside.view(), match }));
    expect(await Promise.all(all)).toEqual(all.map(() => 0));
    expect(meter.total).toBeGreaterThan(3 * PORTION_STEPS);
    expect(meter.most).toBeLessThanOrEqual(PORTION_STEPS);
  });

  it('a record that leaves is matched against every pending removal, and that is counted, too', async () => {
    const { inside, meter } = filled(100);
    const match = meter.over(compileGlob('*a*'));
    const never = meter.over(compileGlob(PATTERN));
    const others = Array.from({ length: 20 }, () =>
      inside.backend.removeMatching({ view: inside.view(), match: never }),
    );
    expect(await inside.backend.removeMatching({ view: inside.view(), match })).toBe(100);
    await Promise.all(others);
    expect(meter.most).toBeLessThanOrEqual(PORTION_STEPS);
  });

  it.each(['clear', 'count', 'list'] as const)('very many users with one entry each: %s', async (what) => {
    const inside = new RunInContext<TurnClock>({}, { clock: new TurnClock() });
    for (let index = 0; index < 6_000; index++) inside.write(inside.key('a', { user: `u${index}` }), 1);
    const view = inside.view();
    if (what === 'clear') expect(await inside.backend.clear(view)).toBe(6_000);
    else if (what === 'count') expect((await inside.backend.usage(view)).entries).toBe(6_000);
    else {
      let listed = 0;
      let cursor: string | undefined;
      do {
        const page = await inside.backend.scan({ view, match: compileGlob('*') }, cursor);
        listed += page.keys.length;
        cursor = page.cursor;
      } while (cursor !== undefined);
      expect(listed).toBe(6_000);
    }
    expect(inside.clock.turns).toBeGreaterThanOrEqual(3);
  });

  it('very many tenants with one entry each: a clear of everything invalidates a portion of them in a turn', async () => {
    const inside = new RunInContext<TurnClock>({ maxEntries: 20_000 }, { clock: new TurnClock() });
    for (let index = 0; index < 12_000; index++) inside.write(inside.key('a', { tenant: `t${index}` }), 1);
    const standing = (): number => {
      let count = 0;
      for (const { bulkStamp } of inside.store.allPartitions()) if (bulkStamp === 0) count++;
      return count;
    };
    const left: number[] = [12_000];
    inside.clock.atTurn = () => {
      if (left.at(-1) !== 0) left.push(standing());
      // Begun behind the clear, and stored by a tenant that has had its turn or will have it.
      if (left.length === 2) inside.write(inside.key('late', { tenant: 'new' }), 1);
    };
    expect(await inside.backend.clearEverything()).toBe(12_000);
    expect(left.length).toBeGreaterThanOrEqual(3);
    for (const [at, count] of left.entries()) if (at > 0) expect(left[at - 1]! - count).toBeLessThanOrEqual(5_000);
    expect([inside.store.size, inside.value(inside.key('late', { tenant: 'new' }))]).toEqual([1, 1]);
  });

  it('very many tenants with a quota each: their figures are gathered a thousand in a turn', async () => {
    const options = { maxEntries: 20_000, quota: { maxEntries: 3 } };
    const inside = new RunInContext<TurnClock>(options, { clock: new TurnClock() });
    for (let index = 0; index < 5_000; index++) inside.write(inside.key('a', { tenant: `t${index}` }), 1);
    expect(await inside.backend.info()).toMatchObject({ details: { tenants: 5_000 } });
    expect(inside.clock.turns).toBe(4);
  });

  it('a full memory of very many tenants: what has to go is found among a thousand of them for each record', async () => {
    const tenants = 4_000;
    const inside = new RunInContext({ maxEntries: tenants + 100, quota: { maxEntries: 1_000 } });
    const store = (tenant: string, entries: number): void => {
      for (let index = 0; index < entries; index++) inside.write(inside.key(index, { tenant }), 1);
    };
    for (let index = 0; index < tenants; index++) store(`t${index}`, 1);
    store('large', 100);
    const { usages } = inside.store.quota as unknown as { usages: Map<unknown, unknown> };
    const values = usages.values.bind(usages);
    let looks = 0;
    usages.values = function* () {
      for (const usage of values()) {
        looks++;
        yield usage;
      }
    } as never;
    let most = 0;
    for (let index = 0; index < 50; index++) {
      looks = 0;
      store(`late${index}`, 1);
      most = Math.max(most, looks);
    }
    expect(most).toBe(1_000);
    const keys = (tenant: string): Promise<unknown> => Promise.resolve(inside.backend.usage(inside.view({ tenant })));
    expect(await keys('large')).toMatchObject({ entries: 54 });
    expect(await keys('late49')).toMatchObject({ entries: 1 });
  });

  it('a clear of everything copies no labels: of all tenants there may be very many', async () => {
    const inside = new RunInContext({ maxEntries: 100_000 });
    for (let index = 0; index < 50; index++) {
      const where = { tenant: `t${index}` };
      const { space } = inside.key('a', where);
      inside.write(inside.key('a', { ...where, tags: ['x5'] }), 1);
      inside.write(inside.key('b', where), 1);
      await inside.backend.invalidate(
        space.partition,
        Array.from({ length: 10 }, (_, at) => inside.tag(`x${at}`)),
      );
    }
    const labels = (): unknown[] =>
      Array.from(inside.store.allPartitions(), (each) => (each as unknown as { labels: unknown }).labels);
    const before = labels();
    const partition = [...inside.store.allPartitions()][0]!;
    const snapshot = partition.snapshot();
    expect(labels()).toEqual(before);
    const clearing = inside.backend.clearEverything();
    // What is invalidated now does not change what was valid then.
    partition.invalidate([inside.tag('later')]);
    expect(snapshot.wasValid({ generation: partition.generation, stamp: 0, labels: [inside.tag('later')] })).toBe(true);
    expect(snapshot.wasValid({ generation: partition.generation, stamp: 0, labels: [inside.tag('x5')] })).toBe(false);
    expect(await clearing).toBe(50);
  });
});
