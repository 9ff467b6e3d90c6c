import { describe, expect, it } from '@jest/globals';
import { announcement, ALL_PARTITIONS, MAX_MESSAGE_LENGTH, parseMessage } from '../../lib/core/bus-message.js';
import type { Change } from '../../lib/core/bus.js';
import { fingerprint } from '../../lib/core/keys/fingerprint.js';
import { KeyFactory } from '../../lib/core/keys/key.js';
import { scopeOf } from '../../lib/core/keys/scope.js';
import { StatsRegistry } from '../../lib/core/keys/stats-registry.js';
import { seededRandom } from '../../lib/testing/seeded-random.js';

/** As the server completes it. */
const numbered = (head: string, life = 'AbC-_0123456789x', sequence = 7): string => `${head}|${life}|${sequence}`;

describe('messages', () => {
  it.each<[string, string, Change]>([
    ['g', 'g', { kind: 'evicted', keys: [1, 0xffffffff] }],
    ['t.acme', 't.acme', { kind: 'stored', keys: [0] }],
    ['t.acme.3.16', 't.acme', { kind: 'evicted', keys: [] }],
    ['t.%C3%A9%2Ex', 't.%C3%A9%2Ex', { kind: 'all' }],
    ['t.acme', 't.acme', { kind: 'labelled', prints: [7, 0xffffffff] }],
  ])('of %s come back as they were sent', (shard, partition, change) => {
    const message = parseMessage(numbered(announcement(shard, 'me-1', change)));
    expect(message).toEqual({ shard, partition, origin: 'me-1', change, life: 'AbC-_0123456789x', sequence: 7 });
  });

  it('may concern all partitions', () => {
    const message = parseMessage(numbered(announcement(ALL_PARTITIONS, 'me', { kind: 'all' })));
    expect(message).toMatchObject({ partition: undefined, change: { kind: 'all' } });
  });

  it('carry the labels of any tag, user and namespace', () => {
    const keyFactory = new KeyFactory({}, new StatsRegistry());
    const scope = scopeOf({ tenant: 'a|b,c', user: 'ü:@ \n.' });
    const space = keyFactory.space(scope, 'user', 'ns | , : x');
    const labels = keyFactory.labelsOf(space, ['red', 'a,b|c:d@e', '日本', '}{']);
    const message = parseMessage(numbered(announcement(space.partition, 'me', { kind: 'labels', labels })));
    expect(message).toMatchObject({ partition: space.partition, change: { kind: 'labels', labels } });
  });

  it('carry no name of a key and no value: only fingerprints', () => {
    const keyFactory = new KeyFactory({}, new StatsRegistry());
    const key = keyFactory.key(
      keyFactory.space(scopeOf({ tenant: 'acme' }), 'tenant', 'cats'),
      ['secret-argument'],
      undefined,
    );
    const text = announcement(key.space.partition, 'me', { kind: 'evicted', keys: [fingerprint(key.id)] });
    expect(text).not.toContain('secret');
    expect(text).toMatch(/^1\|t\.acme\|me\|e\|[0-9a-f]{1,8}$/);
  });

  it('that would be too long become a change of everything', () => {
    const keys = Array.from({ length: 501 }, (_, index) => index);
    expect(announcement('t.acme', 'me', { kind: 'evicted', keys })).toBe('1|t.acme|me|a|');
    const many = Array.from({ length: 500 }, () => 0xffffffff);
    expect(announcement('t.acme', 'me', { kind: 'stored', keys: many })).toBe('1|t.acme|me|a|');
    const few = announcement('t.acme', 'me', { kind: 'stored', keys: many.slice(0, 400) });
    expect(numbered(few).length).toBeLessThanOrEqual(MAX_MESSAGE_LENGTH);
    expect(parseMessage(numbered(few))?.change).toMatchObject({ kind: 'stored' });
  });

  it.each([
    '',
    '1',
    '2|t.acme|me|a||life|1',
    '1|t.acme|me|a||life|',
    '1|t.acme|me|a||life|-1',
    '1|t.acme|me|a||life|1.5',
    '1|t.acme|me|a||life|99999999999999999',
    '1|t.acme|me|x||life|1',
    '1|t.acme|me|e|xyz|life|1',
    '1|t.acme|me|e|123456789|life|1',
    '1|t.acme|me|e|1,,2|life|1',
    '1|t.acme|me|l|nolabel|life|1',
    '1|t.acme|me|l|t:a b|life|1',
    '1|t.acme|m e|a||life|1',
    '1|u.acme.bob|me|a||life|1',
    '1||me|a||life|1',
    '1|t.acme|me|a||li|fe|1',
    '1|t.acme|me|a||life|1\n',
    ` ${numbered('1|t.acme|me|a|')}`,
    numbered(`1|t.acme|me|e|${Array.from({ length: 501 }, () => '1').join(',')}`),
    numbered(`1|t.${'x'.repeat(5_000)}|me|a|`),
    'h|someone|',
  ])('junk is none: %#', (text) => {
    expect(parseMessage(text)).toBeUndefined();
  });

  it('whatever bytes come, it is a message or none, and never an error', () => {
    const random = seededRandom(3);
    const good = numbered(announcement('t.acme', 'me', { kind: 'evicted', keys: [1, 2, 3] }));
    for (let round = 0; round < 20_000; round++) {
      const chars = [...good];
      for (let n = 0; n < 3; n++) chars[Math.floor(random() * chars.length)] = String.fromCharCode(random() * 256);
      const message = parseMessage(chars.join(''));
      if (message !== undefined) expect(message.sequence).toBeGreaterThanOrEqual(0);
    }
  });
});
