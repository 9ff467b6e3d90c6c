import assert from 'node:assert/strict';
import { contractCase } from './cases.js';
import type { ContractCase } from './contract.js';

/** `write`, `writeMany`, `expire`. */
export const writingCases: readonly ContractCase[] = [
  contractCase('a write voids the lease on its key', async (stage) => {
    const key = stage.key('cat2');
    const lease = await stage.granted(key);
    await stage.b.write(key, stage.draft(key, 'written'));
    assert.equal(await stage.fill(lease, 'loaded'), 'lease-lost');
    await stage.assertHolds(key, 'written');
  }),
  contractCase('a write after an invalidation is valid', async (stage) => {
    const key = stage.key('cat2', { tags: ['red'] });
    await stage.a.invalidate(key.space.partition, [stage.tag('red')]);
    await stage.write(key, 'Tom');
    await stage.assertHolds(key, 'Tom');
  }),
  contractCase('many writes are all there, each its own, across users and tenants', async (stage) => {
    const keys = [{}, { user: 'bob' }, { tenant: 'beta' }, { width: 'global' as const }].map((place) =>
      stage.key('mixed', place),
    );
    await stage.a.writeMany(keys.map((key, index) => [key, stage.draft(key, { index })]));
    for (const [index, key] of keys.entries()) await stage.assertHolds(key, { index });
  }),
  contractCase('of two writes to one key in one batch the later one stays', async (stage) => {
    const key = stage.key('cat2');
    await stage.a.writeMany([1, 2].map((value) => [key, stage.draft(key, value)]));
    await stage.assertHolds(key, 2);
  }),
  contractCase('many writes void the leases on their keys', async (stage) => {
    const keys = ['x', 'y'].map((name) => stage.key(name));
    const leases = [];
    for (const key of keys) leases.push(await stage.granted(key));
    await stage.b.writeMany(keys.map((key) => [key, stage.draft(key, 'written')]));
    for (const lease of leases) assert.equal(await stage.fill(lease, 'loaded'), 'lease-lost');
  }),
  contractCase('a batch with a value that cannot be stored stores none of its values', async (stage) => {
    const keys = ['x', 'y', 'z'].map((name) => stage.key(name));
    await stage.write(stage.key('x'), 'old');
    const values = [1, () => 'a function', 3];
    await assert.rejects(async () =>
      stage.a.writeMany(keys.map((key, index) => [key, stage.draft(key, values[index])])),
    );
    await stage.assertHolds(stage.key('x'), 'old');
    for (const name of ['y', 'z']) await stage.assertGone(stage.key(name));
  }),
  contractCase('writing nothing is nothing', async (stage) => {
    await stage.a.writeMany([]);
    assert.equal((await stage.b.usage(stage.view({ width: 'tenant', tenant: 'gamma' }))).entries, 0);
  }),
  contractCase('another life counts from now', async (stage) => {
    const key = stage.key('cat2');
    await stage.write(key, 'Tom', { freshForMs: 3 * stage.tickMs });
    await stage.pass(2 * stage.tickMs);
    assert.equal(await stage.b.expire(key, 3 * stage.tickMs, 3 * stage.tickMs), true);
    await stage.pass(2 * stage.tickMs);
    await stage.assertHolds(key, 'Tom');
    await stage.pass(stage.tickMs);
    await stage.assertGone(key);
  }),
  contractCase('another life may be shorter, or without end', async (stage) => {
    const [short, endless] = [stage.key('x'), stage.key('y')];
    await stage.write(short, 1);
    await stage.write(endless, 2, { freshForMs: stage.tickMs * 2 });
    assert.equal(await stage.b.expire(short, stage.tickMs, stage.tickMs), true);
    assert.equal(await stage.b.expire(endless, Infinity, Infinity), true);
    await stage.pass(2 * stage.tickMs);
    await stage.assertGone(short);
    await stage.assertHolds(endless, 2);
    assert.equal((await stage.fresh(endless))?.freshUntilMs, Infinity);
  }),
  contractCase('another life may bring a window in which the entry is kept although not fresh', async (stage) => {
    const key = stage.key('cat2');
    await stage.write(key, 'Tom');
    assert.equal(await stage.b.expire(key, stage.tickMs, 4 * stage.tickMs), true);
    await stage.pass(2 * stage.tickMs);
    const policy = { staleIfErrorMs: 60_000 };
    assert.equal(await stage.verdict(key, policy), 'grace');
    await stage.pass(2 * stage.tickMs);
    assert.equal(await stage.verdict(key, policy), 'gone');
  }),
  contractCase('there is no other life for what is absent, past its ttl, or invalidated', async (stage) => {
    const [old, stale, out] = [stage.key('x'), stage.key('y'), stage.key('z', { tags: ['out'] })];
    await stage.write(old, 1, { freshForMs: stage.tickMs });
    await stage.write(stale, 2, { freshForMs: stage.tickMs, keptForMs: 3_600_000 });
    await stage.write(out, 3);
    await stage.a.invalidate(out.space.partition, [stage.tag('out')]);
    await stage.pass(stage.tickMs);
    for (const key of [old, stale, out, stage.key('never')]) {
      assert.equal(await stage.b.expire(key, 60_000, 60_000), false, key.id);
      await stage.assertGone(key);
    }
  }),
  contractCase('what got another life is invalidated like before', async (stage) => {
    const key = stage.key('cat2', { tags: ['out'] });
    await stage.write(key, 'Tom');
    await stage.a.expire(key, 60_000, 60_000);
    await stage.b.invalidate(key.space.partition, [stage.tag('out')]);
    await stage.assertGone(key, stage.a);
  }),
];
