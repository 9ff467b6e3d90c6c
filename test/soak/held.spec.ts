import { expect, it } from '@jest/globals';
import { heldBytes, type HeldRun } from '../support/children/measure-held.js';

const MIB = 1_048_576;

it.each<HeldRun>([
  ['small', 50_000],
  ['small numbers', 50_000],
  ['small numbers', 50_000, { quota: { maxEntries: 50_000 } }],
  ['tiny entries of many tenants', 20_000],
  ['tiny entries of many tenants', 20_000, { quota: {} }],
  ['tiny entries of many users', 20_000],
  ['users with several namespaces', 20_000],
  ['invalidated tags', 300],
  ['32 tags of users', 10_000],
  ['32 tags of tenants', 10_000],
  ['two tags, which others have', 50_000],
  ['long keys', 50_000],
  ['long texts', 1_000],
  ['wide texts', 2_000],
  ['lists of objects', 1_000],
  ['maps of dates', 1_000],
  ['objects as tables', 500],
  ['buffers', 5_000],
])(
  'the bytes that memory reports is what the process holds, within a quarter: %s, %i steps',
  async (...run) => {
    const [{ held, accounted } = { held: 0, accounted: 0 }] = await heldBytes([run]);
    expect(held / accounted).toBeLessThan(1.25);
    expect(accounted / held).toBeLessThan(1.25);
  },
  120_000,
);

it.each<HeldRun>([
  ['32 tags of users', 40_000],
  ['tiny entries of many tenants', 150_000],
  ['tiny entries of many users', 150_000],
  ['users with several namespaces', 150_000],
  ['lists of objects', 10_000],
])(
  'maxBytes, as it is by default, is no more than a quarter less than what the process holds: %s, %i steps',
  async (...run) => {
    const [{ held } = { held: 0 }] = await heldBytes([run]);
    expect(held).toBeLessThan(1.25 * 64 * MIB);
  },
  240_000,
);
