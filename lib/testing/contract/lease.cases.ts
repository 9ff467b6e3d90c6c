import assert from 'node:assert/strict';
import { contractCase, tenantCase } from './cases.js';
import type { ContractCase } from './contract.js';

/** `lease`, `renew`, `release`: which caller may load. */
export const leaseCases: readonly ContractCase[] = [
  contractCase('a lease is granted where nothing is, and shows that nothing is there', async (stage) => {
    const key = stage.key('cat2');
    const reply = await stage.ask(key);
    assert.ok(reply.kind === 'granted');
    assert.equal(reply.lease.key, key);
    assert.equal(reply.reading.entry, undefined);
  }),
  contractCase('a fresh entry answers a request for what is missing', async (stage) => {
    const key = stage.key('cat');
    await stage.write(key, 'Tom');
    const reply = await stage.ask(key, stage.b);
    assert.ok(reply.kind === 'found');
    assert.equal(stage.judge(reply.reading, key), 'fresh');
    assert.equal(reply.reading.entry?.value, 'Tom');
  }),
  contractCase('an entry past its ttl is granted for, and shown as it stands', async (stage) => {
    const key = stage.key('cat');
    const ttlMs = 3 * stage.tickMs;
    await stage.write(key, 'Tom', { freshForMs: ttlMs, keptForMs: ttlMs + 3_600_000 });
    await stage.pass(ttlMs);
    const reply = await stage.ask(key, stage.b);
    assert.ok(reply.kind === 'granted');
    assert.equal(stage.judge(reply.reading, key, { staleIfErrorMs: 3_600_000 }), 'grace');
    assert.equal(reply.reading.entry?.value, 'Tom');
  }),
  contractCase('an invalidated entry is granted for, and shown to be gone', async (stage) => {
    const key = stage.key('cat', { tags: ['out'] });
    await stage.write(key, 'Tom', { freshForMs: 1, keptForMs: 3_600_000 });
    await stage.a.invalidate(key.space.partition, [stage.tag('out')]);
    const reply = await stage.ask(key, stage.b);
    assert.ok(reply.kind === 'granted');
    assert.equal(stage.judge(reply.reading, key, { staleIfErrorMs: 3_600_000 }), 'gone');
  }),
  contractCase('a lease is held against every other client, under the token of its holder', async (stage) => {
    const key = stage.key('cat2');
    const { token } = await stage.granted(key);
    await stage.assertHeld(key, token, stage.b);
    await stage.assertHeld(key, token, stage.a);
  }),
  contractCase('of many who ask at once, exactly one is granted the lease', async (stage) => {
    const key = stage.key('cat2');
    const replies = await Promise.all(
      Array.from({ length: 40 }, (_, index) => stage.ask(key, index % 2 === 0 ? stage.a : stage.b)),
    );
    const granted = replies.filter((reply) => reply.kind === 'granted');
    assert.equal(granted.length, 1);
    const tokens = new Set(replies.map((reply) => (reply.kind === 'held' ? reply.token : undefined)));
    tokens.delete(undefined);
    assert.deepStrictEqual([...tokens], [granted[0]?.lease.token]);
  }),
  contractCase('leases on other keys, of other users and tenants, are other leases', async (stage) => {
    const keys = [{}, { user: 'bob' }, { tenant: 'beta' }, { width: 'tenant' as const }, { namespace: 'things@2' }].map(
      (place) => stage.key('lone', place),
    );
    const tokens = new Set<string>();
    for (const key of [...keys, stage.key('other')]) tokens.add((await stage.granted(key)).token);
    assert.equal(tokens.size, 6);
  }),
  contractCase('a refresh is granted although a fresh entry is there, and shows it', async (stage) => {
    const key = stage.key('cat');
    await stage.write(key, 'Tom');
    const reply = await stage.ask(key, stage.a, 'refresh');
    assert.ok(reply.kind === 'granted');
    assert.equal(reply.reading.entry?.value, 'Tom');
    await stage.assertHeld(key, reply.lease.token, stage.b, 'refresh');
    assert.equal((await stage.ask(key, stage.b, 'missing')).kind, 'found');
  }),
  contractCase('a refresh respects the lease of another', async (stage) => {
    const { token } = await stage.granted(stage.key('cat2'));
    await stage.assertHeld(stage.key('cat2'), token, stage.b, 'refresh');
  }),
  contractCase('a replacement is granted in any case, and voids the lease of another', async (stage) => {
    const key = stage.key('cat');
    await stage.write(key, 'Tom');
    const first = await stage.granted(key, stage.a, 'refresh');
    const second = await stage.granted(key, stage.b, 'replace');
    assert.equal(await stage.fill(first, 'old'), 'lease-lost');
    assert.equal(await stage.fill(second, 'new', undefined, stage.b), 'stored');
    await stage.assertHolds(key, 'new');
  }),
  contractCase('a lease ends by itself', async (stage) => {
    const key = stage.key('cat2');
    const first = await stage.granted(key, stage.a, 'missing', 3 * stage.tickMs);
    await stage.pass(2 * stage.tickMs);
    await stage.assertHeld(key, first.token);
    await stage.pass(stage.tickMs);
    await stage.granted(key, stage.b);
    assert.equal(await stage.fill(first, 'late'), 'lease-lost');
  }),
  contractCase('a renewed lease lives on from the renewal', async (stage) => {
    const key = stage.key('cat2');
    const lease = await stage.granted(key, stage.a, 'missing', 5 * stage.tickMs);
    await stage.pass(3 * stage.tickMs);
    assert.equal(await stage.a.renew(lease, 5 * stage.tickMs), true);
    // By now it would have ended, but for that.
    await stage.pass(3 * stage.tickMs);
    await stage.assertHeld(key, lease.token);
    await stage.pass(3 * stage.tickMs);
    assert.equal(await stage.a.renew(lease, 5 * stage.tickMs), false);
  }),
  contractCase('a lease that was lost cannot be renewed', async (stage) => {
    const [evicted, replaced] = [stage.key('x'), stage.key('y')];
    const [first, second] = [await stage.granted(evicted), await stage.granted(replaced)];
    await stage.b.evict([evicted]);
    const winner = await stage.granted(replaced, stage.b, 'replace');
    assert.equal(await stage.a.renew(first, 60_000), false);
    assert.equal(await stage.a.renew(second, 60_000), false);
    assert.equal(await stage.b.renew(winner, 60_000), true);
  }),
  contractCase('a released lease is free for the next at once, and its fill is refused', async (stage) => {
    const key = stage.key('cat2');
    const first = await stage.granted(key);
    await stage.a.release(first);
    await stage.granted(key, stage.b);
    assert.equal(await stage.fill(first, 'late'), 'lease-lost');
  }),
  contractCase('releasing a lease that was lost leaves its new holder alone', async (stage) => {
    const key = stage.key('cat2');
    const first = await stage.granted(key);
    const second = await stage.granted(key, stage.b, 'replace');
    await stage.a.release(first);
    await stage.a.release(first);
    await stage.assertHeld(key, second.token, stage.a);
    assert.equal(await stage.fill(second, 'new', undefined, stage.b), 'stored');
  }),
  contractCase('an evicted key is free for the next loader at once', async (stage) => {
    const key = stage.key('cat2');
    const first = await stage.granted(key);
    await stage.b.evict([key]);
    const second = await stage.granted(key, stage.b);
    assert.notEqual(second.token, first.token);
  }),
  tenantCase(
    'a lease older than the last bulk invalidation of its tenant is void for those who come after',
    async (stage) => {
      const key = stage.key('cat2');
      const first = await stage.granted(key);
      await stage.b.invalidate(key.space.partition, [stage.tag('unrelated', { width: 'tenant' })]);
      const second = await stage.granted(key, stage.b);
      assert.equal(await stage.fill(first, 'old'), 'lease-lost');
      assert.equal(await stage.fill(second, 'new', undefined, stage.b), 'stored');
      await stage.assertHolds(key, 'new');
    },
  ),
  contractCase('a bulk invalidation elsewhere leaves a lease as it is', async (stage) => {
    const key = stage.key('cat2');
    const { token } = await stage.granted(key);
    await stage.b.invalidate(stage.space({ tenant: 'gamma' }).partition, [stage.tag('unrelated', { tenant: 'gamma' })]);
    await stage.b.clear(stage.view({ tenant: 'gamma', width: 'tenant' }));
    await stage.assertHeld(key, token);
  }),
];
