import { describe, expect, it } from '@jest/globals';
import { PIECE_BYTES, RandomPool } from '../../../lib/core/random-pool.js';

/** More than one draw has. */
const MANY = 2_000;

describe('a pool of random bytes', () => {
  it('gives out no piece twice, as a name or as bytes', () => {
    const pool = new RandomPool();
    const found = new Set<string>();
    for (let at = 0; at < MANY; at++) {
      const name = pool.name();
      expect(name).toMatch(/^[\w-]{16}$/);
      found.add(name);
      const target = Buffer.alloc(PIECE_BYTES + 2);
      pool.fill(target, 1);
      expect([target[0], target.at(-1)]).toEqual([0, 0]);
      found.add(target.toString('base64url', 1, PIECE_BYTES + 1));
    }
    expect(found.size).toBe(2 * MANY);
  });

  it('has bits that are all used', () => {
    const pool = new RandomPool();
    const ones = Buffer.alloc(PIECE_BYTES);
    const zeros = Buffer.alloc(PIECE_BYTES);
    const piece = Buffer.alloc(PIECE_BYTES);
    for (let times = 0; times < 200; times++) {
      pool.fill(piece, 0);
      for (const [at, byte] of piece.entries()) {
        ones[at] = (ones[at] as number) | byte;
        zeros[at] = (zeros[at] as number) | ~byte;
      }
    }
    expect([...ones, ...zeros].every((byte) => byte === 255)).toBe(true);
  });

  it('A95: keeps nothing for longer than a second: a machine that was frozen may go on twice', () => {
    let nowMs = 5_000;
    const drawn = { now: () => nowMs };
    const pool = new RandomPool(drawn);
    const bytes = (pool as unknown as { readonly bytes: Buffer }).bytes;
    pool.name();
    const before = Buffer.from(bytes);
    nowMs += 1_000;
    pool.name();
    expect(bytes.equals(before)).toBe(true);
    // As far as it was given out already, and all that was still to come.
    nowMs += 1;
    const name = pool.name();
    expect(before.includes(Buffer.from(name, 'base64url'))).toBe(false);
    expect(bytes.equals(before)).toBe(false);
  });

  it('A95: goes by the wall clock: the monotonic one may stand still while a machine is frozen', () => {
    const real = Date.now;
    const pool = new RandomPool();
    const { bytes } = pool as unknown as { readonly bytes: Buffer };
    pool.name();
    const before = Buffer.from(bytes);
    Date.now = () => real() + 60_000;
    try {
      pool.name();
    } finally {
      Date.now = real;
    }
    expect(bytes.equals(before)).toBe(false);
  });

  it('A95: keeps nothing over a clock that has begun anew', () => {
    let nowMs = 50_000;
    const pool = new RandomPool({ now: () => nowMs });
    const { bytes } = pool as unknown as { readonly bytes: Buffer };
    pool.name();
    const before = Buffer.from(bytes);
    nowMs = 5;
    pool.name();
    expect(bytes.equals(before)).toBe(false);
  });
});
