import assert from 'node:assert/strict';
import { contractCase } from './cases.js';
import type { ContractCase } from './contract.js';

/** `info`, `ping`, `close`. */
export const upkeepCases: readonly ContractCase[] = [
  contractCase('a backend says what it is and how full', async (stage) => {
    await stage.write(stage.key('x'), 'here');
    const { kind, entries, usedBytes } = await stage.b.info();
    assert.equal(kind, stage.b.kind);
    assert.ok(kind.length > 0 && entries > 0 && usedBytes > 0, JSON.stringify({ kind, entries, usedBytes }));
  }),
  contractCase('a backend that is there answers a ping', async (stage) => {
    await stage.a.ping();
    await stage.b.ping();
  }),
  contractCase(
    'a backend may be closed again and again',
    async (stage) => {
      await stage.write(stage.key('x'), 1);
      await stage.a.close();
      await stage.a.close();
    },
    { reach: 'all' },
  ),
];
