import assert from 'node:assert/strict';
import { machineClock } from '../../core/clock.js';
import type { Selection } from '../../core/backend.js';
import { PORTION_STEPS } from '../../core/async/pace.js';
import { contractCase, tenantCase } from './cases.js';
import type { ContractCase } from './contract.js';
import type { Place, Stage } from './stage.js';

const NAMES: readonly unknown[] = [
  'report:1',
  'report:2',
  ['report', 3],
  ['report', 3, 'draft'],
  'reporter',
  'summary',
  7,
];

async function store(stage: Stage, place: Place = {}): Promise<void> {
  for (const name of NAMES) await stage.write(stage.key(name, place), 'here');
}

async function left(stage: Stage, place: Place = {}): Promise<string[]> {
  return (await stage.list(stage.selection('*', place))).filter((key) => !['cat', 'dog'].includes(key)).sort();
}

/** The same selection, and how many steps of its pattern are made between two turns of the event loop, at most. */
function metered({ view, match }: Selection): { readonly selection: Selection; mostSteps(): number } {
  let [most, inTurn] = [0, 0];
  const test = (text: string): boolean => {
    if (inTurn === 0) void machineClock.breathe().then(() => (inTurn = 0));
    inTurn += text.length * match.stepsPerCharacter;
    most = Math.max(most, inTurn);
    return match.test(text);
  };
  return { selection: { view, match: { ...match, test } }, mostSteps: () => most };
}

/** `removeMatching`, `scan`: what is found by the look of its key. */
export const patternCases: readonly ContractCase[] = [
  contractCase('keys are listed as they were given, their parts joined by colons', async (stage) => {
    await store(stage);
    assert.deepStrictEqual(await left(stage), [
      '7',
      'report:1',
      'report:2',
      'report:3',
      'report:3:draft',
      'reporter',
      'summary',
    ]);
  }),
  contractCase('a listing knows stars, question marks, classes and escapes', async (stage) => {
    await store(stage);
    await stage.write(stage.key('a*b'), 1);
    const found = async (pattern: string): Promise<string[]> => (await stage.list(stage.selection(pattern))).sort();
    assert.deepStrictEqual(await found('report:*'), ['report:1', 'report:2', 'report:3', 'report:3:draft']);
    assert.deepStrictEqual(await found('report:?'), ['report:1', 'report:2', 'report:3']);
    assert.deepStrictEqual(await found('report:[2-9]'), ['report:2', 'report:3']);
    assert.deepStrictEqual(await found('report:[^2-9]'), ['report:1']);
    assert.deepStrictEqual(await found('a\\*b'), ['a*b']);
    assert.deepStrictEqual(await found('summary'), ['summary']);
    assert.deepStrictEqual(await found('nothing*'), []);
  }),
  contractCase('a listing shows what is live in its view, and nothing else', async (stage) => {
    await stage.write(stage.key('live'), 1);
    await stage.write(stage.key('old'), 1, { freshForMs: stage.tickMs });
    await stage.write(stage.key('out', { tags: ['out'] }), 1);
    await stage.a.invalidate(stage.space().partition, [stage.tag('out')]);
    await stage.write(stage.key('removed'), 1);
    await stage.a.evict([stage.key('removed')]);
    await stage.granted(stage.key('loading'));
    for (const place of [{ user: 'cid' }, { tenant: 'gamma' }, { namespace: 'other' }]) {
      await stage.write(stage.key('foreign', place), 1);
    }
    await stage.pass(stage.tickMs);
    assert.deepStrictEqual(await left(stage), ['live']);
  }),
  contractCase('a listing of a tenant shows its users too, of a user only that user', async (stage) => {
    await stage.write(stage.key('hers'), 1);
    await stage.write(stage.key('his', { user: 'cid' }), 1);
    await stage.write(stage.key('ours', { width: 'tenant' }), 1);
    assert.deepStrictEqual(await left(stage), ['hers']);
    assert.deepStrictEqual(await left(stage, { user: 'cid' }), ['his']);
    assert.deepStrictEqual(await left(stage, { width: 'tenant' }), ['hers', 'his', 'ours']);
    assert.deepStrictEqual(await left(stage, { tenant: 'gamma', width: 'tenant' }), []);
  }),
  contractCase('a long listing comes in pages, and leaves nothing out', async (stage) => {
    const place = { user: 'cid' };
    const keys = Array.from({ length: 1_300 }, (_, index) => stage.key(['n', index], place));
    await stage.a.writeMany(keys.map((key) => [key, stage.draft(key, 1)]));
    const listed = await stage.list(stage.selection('*', place));
    assert.equal(listed.length, 1_300);
    assert.equal(new Set(listed).size, 1_300);
    const first = await stage.b.scan(stage.selection('*', place), undefined);
    assert.notEqual(first.cursor, undefined, 'everything came in one page');
  }),
  contractCase('what stays during a listing is listed, whatever comes and goes meanwhile', async (stage) => {
    const place = { user: 'cid' };
    const keys = Array.from({ length: 1_300 }, (_, index) => stage.key(['n', index], place));
    await stage.a.writeMany(keys.map((key) => [key, stage.draft(key, 1)]));
    const selection = stage.selection('n:*', place);
    const seen = new Set<string>();
    let cursor: string | undefined;
    let round = 0;
    do {
      const page = await stage.b.scan(selection, cursor);
      for (const key of page.keys) seen.add(key);
      cursor = page.cursor;
      round++;
      // Every tenth key goes, and others come, also where the listing has not been yet.
      await stage.a.evict(keys.filter((_, index) => index % 10 === 0 && index % 5 === round % 5));
      const more = Array.from({ length: 40 }, (_, index) =>
        stage.key(['new', round, index], { ...place, namespace: round % 2 === 0 ? 'a' : 'things' }),
      );
      await stage.a.writeMany(more.map((key) => [key, stage.draft(key, 1)]));
    } while (cursor !== undefined);
    for (let index = 0; index < 1_300; index++) if (index % 10 !== 0) assert.ok(seen.has(`n:${index}`), `n:${index}`);
  }),
  contractCase('removing by pattern counts and removes what matches in its view', async (stage) => {
    await store(stage);
    await store(stage, { user: 'cid' });
    await store(stage, { namespace: 'other' });
    assert.equal(await stage.b.removeMatching(stage.selection('report:*')), 4);
    assert.deepStrictEqual(await left(stage), ['7', 'reporter', 'summary']);
    assert.equal((await left(stage, { user: 'cid' })).length, NAMES.length);
    assert.equal((await left(stage, { namespace: 'other' })).length, NAMES.length);
    assert.equal(await stage.b.removeMatching(stage.selection('report:*')), 0);
    await stage.assertGone(stage.key('report:1'));
    await stage.assertHolds(stage.key('summary'), 'here');
  }),
  tenantCase('removing by pattern in a tenant reaches its users', async (stage) => {
    for (const place of [{}, { user: 'cid' }, { width: 'tenant' as const }, { tenant: 'gamma' }])
      await store(stage, place);
    assert.equal(await stage.b.removeMatching(stage.selection('summary', { width: 'tenant' })), 3);
    await stage.assertGone(stage.key('summary', { user: 'cid' }));
    await stage.assertHolds(stage.key('summary', { tenant: 'gamma' }), 'here');
  }),
  contractCase('removing by pattern does not count what was not live', async (stage) => {
    await stage.write(stage.key('p1'), 1);
    await stage.write(stage.key('p2'), 1, { freshForMs: stage.tickMs });
    await stage.write(stage.key('p3', { tags: ['out'] }), 1);
    await stage.a.invalidate(stage.space().partition, [stage.tag('out')]);
    await stage.pass(stage.tickMs);
    assert.equal(await stage.b.removeMatching(stage.selection('p*')), 1);
  }),
  contractCase(
    'a load that began before a pattern was removed is not stored, one that began after is',
    async (stage) => {
      const [before, after] = [stage.key('p1'), stage.key('p2')];
      const lease = await stage.granted(before);
      assert.equal(await stage.b.removeMatching(stage.selection('p*')), 0);
      assert.notEqual(await stage.fill(lease, 'old'), 'stored');
      await stage.assertGone(before);
      assert.equal(await stage.fill(await stage.granted(after), 'new'), 'stored');
      assert.equal(await stage.fill(await stage.granted(before, stage.b), 'new', undefined, stage.b), 'stored');
    },
  ),
  contractCase('thousands of matches are removed with an exact count, the others stay', async (stage) => {
    const place = { user: 'cid' };
    const keys = Array.from({ length: 2_400 }, (_, index) =>
      stage.key([index % 2 === 0 ? 'even' : 'odd', index], place),
    );
    await stage.a.writeMany(keys.map((key) => [key, stage.draft(key, 1)]));
    assert.equal(await stage.b.removeMatching(stage.selection('even:*', place)), 1_200);
    assert.equal((await stage.a.usage(stage.view({ ...place, namespace: 'things' }))).entries, 1_200);
  }),
  contractCase('a pattern over many long keys is worked off in portions, whatever it looks like', async (stage) => {
    const place = { user: 'cid' };
    const parts = Array.from({ length: 8 }, () => 'a'.repeat(100));
    const keys = Array.from({ length: 500 }, (_, index) => stage.key([...parts, index], place));
    await stage.a.writeMany(keys.map((key) => [key, stage.draft(key, 1)]));
    const { selection, mostSteps } = metered(stage.selection(`*${'a?'.repeat(124)}b*`, place));
    assert.deepStrictEqual(await stage.list(selection), []);
    assert.equal(await stage.b.removeMatching(selection), 0);
    assert.ok(mostSteps() > 0 && mostSteps() <= PORTION_STEPS, `${mostSteps()} steps at once`);
  }),
];
