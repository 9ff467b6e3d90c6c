/** Two applications on one MongoDB: what one has loaded the other serves, and what one changes neither serves any more. */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { BELIEVED_MS, LevelsError, levelsFrom, type Levels } from './levels.js';
import { NoMongoError, startMongo, type RunningMongo } from './start/mongo-server.js';
import { startApp } from './start/start-app.js';
import { ProductsService, type ProductView } from './products/products.service.js';

const ALICE = 'acme-alice';
const GINA = 'globex-gina';

try {
  const levels = levelsFrom();
  const mongo = await startMongo();
  try {
    await play(mongo, levels);
  } finally {
    await mongo.stop();
  }
} catch (error) {
  if (!(error instanceof NoMongoError || error instanceof LevelsError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

async function play({ url }: RunningMongo, levels: Levels): Promise<void> {
  const [one, two] = [await startApp(url, 0, levels), await startApp(url, 0, levels)];
  const queries = (): number => one.app.get(ProductsService).queries + two.app.get(ProductsService).queries;
  try {
    assert.equal((await get(one.url, ALICE)).price, 120);
    assert.equal((await get(two.url, ALICE)).price, 120);
    assert.equal(queries(), 1);
    step('Alice asked both applications; the products were queried once');

    assert.equal((await get(two.url, GINA)).name, 'Anvil of globex');
    assert.equal(queries(), 2);
    step('Gina of another company got her own anvil, by the same path');

    const before = queries();
    const same = await Promise.all(Array.from({ length: 20 }, () => list(one.url, ALICE)));
    assert.equal(new Set(same.map((products) => JSON.stringify(products))).size, 1);
    assert.equal(queries(), before + 1);
    step('twenty asked for a cold list at once; it was queried once');

    await change(two.url, ALICE, 99);
    assert.equal((await get(two.url, ALICE)).price, 99);
    if (levels === 'tiered') {
      await pause(BELIEVED_MS);
      step(`as long as the other believes its copies went by: ${BELIEVED_MS} ms`);
    }
    assert.equal((await get(one.url, ALICE)).price, 99);
    assert.equal((await list(one.url, ALICE)).find(({ sku }) => sku === 'anvil')?.price, 99);
    assert.equal((await get(one.url, GINA)).price, 120);
    step('a price changed through one application is the new price in the other, in the list too');
    console.log('\n  All as promised.\n');
  } finally {
    await Promise.all([one.app.close(), two.app.close()]);
  }
}

async function ask<T>(url: string, token: string, init: RequestInit = {}): Promise<T> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const answer = await fetch(url, { ...init, headers });
  assert.ok(answer.ok, `${url} answered ${answer.status}`);
  return (await answer.json()) as T;
}

function get(url: string, token: string): Promise<ProductView> {
  return ask(`${url}/products/anvil`, token);
}

function list(url: string, token: string): Promise<ProductView[]> {
  return ask(`${url}/products`, token);
}

function change(url: string, token: string, price: number): Promise<ProductView> {
  return ask(`${url}/products/anvil/price`, token, { method: 'PATCH', body: JSON.stringify({ price }) });
}

function step(said: string): void {
  console.log(`  ✓ ${said}`);
}
