/** A space remembers the group it was found in. What it remembers is believed only while that group is in the store that asks. */
import { describe, expect, it } from '@jest/globals';
import { RunInContext } from '../support/inside.js';

describe('the group that a space remembers', () => {
  it('is not believed once it has left its store: it may have been empty, or the store cleared', async () => {
    const inside = new RunInContext();
    const key = inside.key('tom');
    inside.write(key, 1);
    expect(inside.value(key)).toBe(1);
    inside.backend.evict([key]);
    expect(inside.value(key)).toBeUndefined();
    inside.write(key, 2);
    expect(inside.value(key)).toBe(2);
    inside.assertConsistent();
    inside.store.clear();
    expect(inside.value(key)).toBeUndefined();
    inside.write(key, 3);
    expect(inside.value(key)).toBe(3);
    inside.assertConsistent();
  });

  it('is found again where the group was made anew by another space of the same name', () => {
    const inside = new RunInContext();
    const [key, same] = [inside.key('tom'), new RunInContext().key('tom')];
    inside.write(key, 1);
    expect(inside.value(same)).toBe(1);
    inside.backend.evict([same]);
    inside.write(same, 2);
    expect(inside.value(key)).toBe(2);
    inside.assertConsistent();
  });

  it('is not that of another store, where two have the same keys: a fallback, say', () => {
    const [one, other] = [new RunInContext(), new RunInContext()];
    const key = one.key('tom');
    one.write(key, 'one');
    expect(one.value(key)).toBe('one');
    expect(other.value(key)).toBeUndefined();
    other.write(key, 'other');
    expect(one.value(key)).toBe('one');
    expect(other.value(key)).toBe('other');
    other.backend.evict([key]);
    expect(one.value(key)).toBe('one');
    one.assertConsistent();
    other.assertConsistent();
  });

  it('does not keep the records of a store that was cleared', () => {
    const inside = new RunInContext();
    const key = inside.key('tom');
    inside.write(key, 1);
    const [group] = inside.store.groups(undefined);
    inside.store.clear();
    expect(group?.records.size).toBe(0);
    expect(inside.backend.read(key).entry).toBeUndefined();
  });
});
