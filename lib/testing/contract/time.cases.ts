import assert from 'node:assert/strict';
import { contractCase } from './cases.js';
import type { ContractCase } from './contract.js';

/** When entries end. */
export const timeCases: readonly ContractCase[] = [
  contractCase('an entry is fresh until its ttl ends, and not any longer', async (stage) => {
    const key = stage.key('x');
    await stage.write(key, 1, { freshForMs: 3 * stage.tickMs });
    await stage.pass(2 * stage.tickMs);
    await stage.assertHolds(key, 1);
    await stage.pass(stage.tickMs);
    await stage.assertGone(key);
  }),
  contractCase('past its ttl an entry is kept to the end of its window, and not any longer', async (stage) => {
    const key = stage.key('x');
    const policy = { staleWhileRevalidateMs: 2 * stage.tickMs, staleIfErrorMs: 4 * stage.tickMs };
    await stage.write(key, 1, { freshForMs: 2 * stage.tickMs, keptForMs: 6 * stage.tickMs });
    assert.equal(await stage.verdict(key, policy), 'fresh');
    await stage.pass(3 * stage.tickMs);
    assert.equal(await stage.verdict(key, policy), 'stale');
    assert.equal((await stage.b.read(key)).entry?.value, 1);
    await stage.pass(2 * stage.tickMs);
    assert.equal(await stage.verdict(key, policy), 'grace');
    await stage.pass(stage.tickMs);
    assert.equal(await stage.verdict(key, { ...policy, staleIfErrorMs: 3_600_000 }), 'gone');
  }),
  contractCase('an entry without expiry has no end', async (stage) => {
    const key = stage.key('x');
    await stage.write(key, 1, { freshForMs: Infinity, keptForMs: Infinity });
    const entry = await stage.fresh(key);
    assert.equal(entry?.freshUntilMs, Infinity);
    assert.equal(entry.keptUntilMs, Infinity);
  }),
  contractCase('a ttl of ten years is a ttl', async (stage) => {
    const key = stage.key('x');
    const ttlMs = 3_650 * 86_400_000;
    await stage.write(key, 1, { freshForMs: ttlMs });
    await stage.pass(stage.tickMs);
    await stage.assertHolds(key, 1);
    const left = ((await stage.fresh(key))?.freshUntilMs ?? 0) / ttlMs;
    assert.ok(left > 0.99 && left < 1.01, String(left));
  }),
  contractCase('a ttl of one millisecond ends', async (stage) => {
    await stage.write(stage.key('x'), 1, { freshForMs: 1 });
    await stage.pass(stage.tickMs);
    await stage.assertGone(stage.key('x'));
  }),
  contractCase('a write begins a new life', async (stage) => {
    const key = stage.key('x');
    await stage.write(key, 1, { freshForMs: 3 * stage.tickMs });
    await stage.pass(2 * stage.tickMs);
    await stage.write(key, 2, { freshForMs: 3 * stage.tickMs });
    await stage.pass(2 * stage.tickMs);
    await stage.assertHolds(key, 2);
  }),
  contractCase('the life of a filled entry begins with the fill, not with its lease', async (stage) => {
    const key = stage.key('x');
    const lease = await stage.granted(key);
    await stage.pass(2 * stage.tickMs);
    assert.equal(await stage.fill(lease, 1, { freshForMs: 3 * stage.tickMs }), 'stored');
    await stage.pass(2 * stage.tickMs);
    await stage.assertHolds(key, 1);
    await stage.pass(stage.tickMs);
    await stage.assertGone(key);
  }),
  contractCase('entries of one batch may live differently long', async (stage) => {
    const [short, long] = [stage.key('x'), stage.key('y')];
    await stage.a.writeMany([
      [short, stage.draft(short, 1, { freshForMs: stage.tickMs })],
      [long, stage.draft(long, 2, { freshForMs: 60_000 + 3 * stage.tickMs })],
    ]);
    await stage.pass(stage.tickMs);
    await stage.assertGone(short);
    await stage.assertHolds(long, 2);
  }),
];
