import { describe, expect, it } from '@jest/globals';
import { Journal } from '../../../../lib/backends/resilience/journal.js';
import { RetryQueue } from '../../../../lib/backends/resilience/retry-queue.js';
import type { Invalidation } from '../../../../lib/backends/shared/invalidation.js';
import { FakeClock } from '../../../../lib/testing/fake.clock.js';
import { RunInContext } from '../support/inside.js';

const inside = new RunInContext();

function evict(name: unknown, tenant: string): Invalidation {
  return { kind: 'evict', keys: [inside.key(name, { tenant })] };
}

function nameOf(invalidation: Invalidation): string {
  if (invalidation.kind === 'evict') return invalidation.keys.map(({ id }) => id).join(' ');
  return invalidation.kind === 'clear' ? `clear ${invalidation.view.partition}` : invalidation.kind;
}

async function replayed(queue: RetryQueue): Promise<string[]> {
  const sent: string[] = [];
  for (const scans of [false, true])
    await queue.replay(scans, async (invalidation) => void sent.push(nameOf(invalidation)));
  return sent;
}

describe('a tenant whose invalidations are too many is cleared in their stead, and no other', () => {
  it('where they wait for a server', async () => {
    const queue = new RetryQueue(10);
    queue.add(evict('tom', 'beta'));
    queue.add({ kind: 'invalidate', partition: inside.view({ tenant: 'beta' }).partition, labels: [inside.tag('x')] });
    for (let index = 0; index < 100; index++) queue.add(evict(index, 'acme'));
    expect(queue.size).toBeLessThanOrEqual(10);
    const sent = await replayed(queue);
    expect(sent).toContain(inside.key('tom', { tenant: 'beta' }).id);
    expect(sent).toContain('invalidate');
    expect(sent).toContain('clear t.acme');
    expect(sent).not.toContain('everything');
    // The clear, which has not begun, means those as well that came after it.
    expect(sent).toHaveLength(3);
    expect(queue.size).toBe(0);
  });

  it('where they are kept for a server that takes the place of another', () => {
    const journal = new Journal(new FakeClock(), 60_000, 10);
    journal.record(evict('tom', 'beta'));
    for (let index = 0; index < 100; index++) journal.record(evict(index, 'acme'));
    const kept = journal.recent().map(nameOf);
    expect(kept.length).toBeLessThanOrEqual(10);
    expect(kept).toContain(inside.key('tom', { tenant: 'beta' }).id);
    expect(kept).toContain('clear t.acme');
  });

  it('where no tenant has many, everything is', async () => {
    const queue = new RetryQueue(10);
    for (let index = 0; index < 11; index++) queue.add(evict('tom', `tenant ${index}`));
    expect(await replayed(queue)).toEqual(['everything']);
  });

  it('A108: a namespace of all tenants stands beside the others: it is none of them, and none of them is it', async () => {
    const queue = new RetryQueue(10);
    const of = (namespace: string): Invalidation => ({ kind: 'namespace', view: inside.everywhere(namespace) });
    queue.add(evict('tom', 'beta'));
    for (const namespace of ['cats', 'dogs', 'cats']) queue.add(of(namespace));
    queue.add(evict('kit', 'beta'));
    expect(await replayed(queue)).toEqual([
      inside.key('tom', { tenant: 'beta' }).id,
      'namespace',
      'namespace',
      inside.key('kit', { tenant: 'beta' }).id,
    ]);
    queue.add({ kind: 'everything' });
    queue.add(of('cats'));
    expect(await replayed(queue)).toEqual(['everything']);
    queue.add(of('cats'));
    // It is about every tenant: none is asked about before it has been said.
    expect(queue.concerns(inside.view({ tenant: 'beta' }).partition)).toBe(true);
  });

  it('keys of several tenants in one call are of no partition', async () => {
    const queue = new RetryQueue(3);
    const keys = [inside.key('a'), inside.key('b', { tenant: 'beta' })];
    queue.add({ kind: 'evict', keys });
    for (let index = 0; index < 5; index++) queue.add(evict(index, 'acme'));
    expect(await replayed(queue)).toContain(keys.map(({ id }) => id).join(' '));
  });
});
