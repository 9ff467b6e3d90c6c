import { EventEmitter } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import type { Cluster } from 'ioredis';
import { SlotOwners } from '../../../../lib/backends/redis/connection/slot-owners.js';

/** Slots as a client of a cluster knows them: those of one row are one object, which an answer of a node changes. */
class Slots extends EventEmitter {
  slots: string[][] = [];

  constructor(...rows: readonly (readonly [from: number, name: string])[]) {
    super();
    this.set(...rows);
  }

  set(...rows: readonly (readonly [from: number, name: string])[]): void {
    for (const [at, [from, name]] of rows.entries()) {
      const row = [name];
      for (let slot = from; slot < (rows[at + 1]?.[0] ?? 16_384); slot++) this.slots[slot] = row;
    }
  }
}

function watched(slots: Slots): { readonly owners: SlotOwners; readonly moves: number[] } {
  const owners = new SlotOwners(slots as unknown as Cluster);
  const moves: number[] = [];
  owners.onMoved = () => moves.push(owners.version);
  return { owners, moves };
}

describe('who keeps a slot', () => {
  it('A79: is what the client believes, a master that is dead included', () => {
    const { owners, moves } = watched(new Slots([0, 'a:1'], [8_000, 'b:1']));
    expect([owners.of(0), owners.of(7_999), owners.of(8_000)]).toEqual(['a:1', 'a:1', 'b:1']);
    expect([...owners.all()]).toEqual(['a:1', 'b:1']);
    expect(moves).toEqual([]);
  });

  it('A79: is noticed to be another by the call that asks, before it is answered', () => {
    const slots = new Slots([0, 'a:1'], [8_000, 'b:1']);
    const { owners, moves } = watched(slots);
    for (const slot of [1, 2, 9_000]) owners.of(slot);
    (slots.slots[1] as string[])[0] = 'b:1';
    expect(owners.of(1)).toBe('b:1');
    // All are looked at once, and the next call finds nothing new.
    expect(owners.of(2)).toBe('b:1');
    expect(moves).toEqual([1]);
  });

  it('A79: is noticed to be another when the client has looked at its slots, though no call asks', () => {
    const slots = new Slots([0, 'a:1']);
    const { owners, moves } = watched(slots);
    owners.of(1);
    slots.set([0, 'c:1']);
    slots.emit('refresh');
    slots.emit('refresh');
    expect(moves).toEqual([1]);
    owners.close();
    expect(slots.listenerCount('refresh')).toBe(0);
  });

  it('A79: is no move where it was never asked for', () => {
    const slots = new Slots();
    const { owners, moves } = watched(slots);
    slots.set([0, 'a:1']);
    slots.emit('refresh');
    expect([owners.of(5), moves]).toEqual(['a:1', []]);
  });

  it('A79: is noticed to be another where only all of them were asked for', () => {
    const slots = new Slots();
    const { owners, moves } = watched(slots);
    expect([...owners.all()]).toEqual(['']);
    slots.set([0, 'a:1']);
    slots.emit('refresh');
    expect([[...owners.all()], moves]).toEqual([['a:1'], [1]]);
    slots.set([0, 'c:1']);
    expect([[...owners.all()], moves]).toEqual([['c:1'], [1, 2]]);
  });
});
