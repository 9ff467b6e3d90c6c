/** What events of a change stream mean. What a server really sends is shown by streams.spec. */
import { describe, expect, it } from '@jest/globals';
import { LabelFields } from '../../lib/backends/mongo/documents.js';
import { ChangeEventReader, type StreamEvent } from '../../lib/backends/mongo/change-stream/change-events.js';
import { OwnWrites } from '../../lib/backends/mongo/change-stream/own-writes.js';
import { fingerprint } from '../../lib/core/keys/fingerprint.js';
import { storedLabels } from '../../lib/core/keys/label.js';

const reader = new ChangeEventReader('cache:1:', 'cache:1:h:me');
const ID = "t.acme/cats@1/'a:b";
const [red, blue] = storedLabels(['t:red', 't:blue']) as [never, never];
const fieldOf = (label: never): string => new LabelFields().of(label);

const about = (_id: unknown, operationType: string, updatedFields?: Record<string, unknown>): StreamEvent => ({
  operationType,
  documentKey: { _id },
  ...(updatedFields === undefined ? {} : { updateDescription: { updatedFields } }),
});
const all = { kind: 'changed', partition: 't.acme', change: { kind: 'all' } };
const stored = { kind: 'changed', partition: 't.acme', change: { kind: 'stored', keys: [fingerprint(ID)] } };

describe('news', () => {
  it.each(['', '.3.16'])('of an entry are about its key, in a partition%s', (shard) => {
    const name = `cache:1:e:t.acme${shard}:${ID}`;
    const evicted = { ...stored, change: { kind: 'evicted', keys: [fingerprint(ID)] } };
    expect(reader.read(about(name, 'delete'))).toEqual(evicted);
    expect(reader.read(about(name, 'insert'))).toEqual(stored);
    expect(reader.read(about(name, 'replace'))).toEqual(stored);
    expect(reader.read(about(name, 'update', { m: 'mark', x: 1 }))).toEqual({ ...stored, mark: 'mark' });
    expect(reader.read(about(name, 'update', { m: { $x: 1 } }))).toEqual(stored);
    expect(reader.read(about(name, 'update'))).toEqual(stored);
  });

  it.each<[string, StreamEvent, unknown]>([
    ['another minimum stamp', about('cache:1:m:t.acme', 'update', { c: 1, b: 1, f: 1 }), all],
    ['another life', about('cache:1:m:t.acme', 'update', { i: 'other' }), all],
    ['a new state', about('cache:1:m:t.acme', 'insert'), all],
    ['another state in its place', about('cache:1:m:t.acme.1.2', 'replace'), all],
    ['a lost state', about('cache:1:m:t.acme', 'delete'), all],
    ['a label with a field that was not made here', about('cache:1:m:t.acme', 'update', { 't.x': 1 }), all],
    ['labels that are none', about('cache:1:m:t.acme', 'update', { t: 1 }), all],
    ['a change that does not say what it was', about('cache:1:m:t.acme', 'update'), all],
    ['time going by', about('cache:1:m:t.acme', 'update', { c: 1, b: 1 }), undefined],
    ['a longer life', about('cache:1:m:t.acme', 'update', { x: new Date() }), undefined],
  ])('of a state: %s', (_, event, news) => {
    expect(reader.read(event)).toEqual(news);
  });

  it('of labels are their fingerprints, the first ones and those after them', () => {
    const labelled = { ...all, change: { kind: 'labelled', prints: [fingerprint(red), fingerprint(blue)] } };
    const [one, other] = [fieldOf(red), fieldOf(blue)];
    expect(reader.read(about('cache:1:m:t.acme', 'update', { c: 1, t: { [one]: 1, [other]: 1 } }))).toEqual(labelled);
    expect(reader.read(about('cache:1:m:t.acme', 'update', { [`t.${one}`]: 1, [`t.${other}`]: 1 }))).toEqual(labelled);
  });

  it.each(['drop', 'rename', 'dropDatabase', 'invalidate', 'something new', undefined])(
    'of the collection itself (%s): nothing more will be said about it',
    (operationType) => {
      expect(reader.read({ operationType })).toEqual({ kind: 'gone' });
    },
  );

  it('tell this process that it is alive, and others nothing', () => {
    expect(reader.read(about('cache:1:h:me', 'update', { b: 1 }))).toEqual({ kind: 'alive' });
    expect(reader.read(about('cache:1:h:other', 'update', { b: 1 }))).toBeUndefined();
  });

  it.each([7, null, '', 'cache:1:', 'cache:1:e:', 'cache:1:e:no-id', 'cache:1:q:x', 'other:1:e:t.acme:x'])(
    'of what is none of ours are none: %p',
    (name) => {
      expect(reader.read(about(name, 'update', { m: 'mark' }))).toBeUndefined();
    },
  );
});

describe('marks of our own', () => {
  it('are remembered while a stream tells of values, each for one time, and not more than so many', () => {
    const ownWrites = new OwnWrites();
    ownWrites.add('before');
    expect(ownWrites.take('before')).toBe(false);
    ownWrites.isWatched = true;
    ownWrites.add('one');
    ownWrites.add(undefined);
    expect([ownWrites.take('one'), ownWrites.take('one'), ownWrites.take(undefined)]).toEqual([true, false, false]);
    for (let n = 0; n <= 4_096; n++) ownWrites.add(`m${n}`);
    expect([ownWrites.take('m0'), ownWrites.take('m1'), ownWrites.take('m4096')]).toEqual([false, true, true]);
  });
});
