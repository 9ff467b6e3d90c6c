/** Two applications on one MongoDB: what one has loaded the other serves, and what one changes neither serves any more. */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { bold, dim, green } from '../../01-quick-start/src/terminal.js';
import { BELIEVED_MS, LevelsError, levelsFrom, type Levels } from './levels.js';
import { NoMongoError, startMongo, type RunningMongo } from './start/mongo-server.js';
import { startApp } from './start/start-app.js';
import { ProductsService, type ProductView } from './products/products.service.js';

const ALICE = 'acme-alice';
const GINA = 'globex-gina';

const startedAtMs = performance.now();
let steps = 0;

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
  const where = levels === 'tiered' ? 'each with memory over one MongoDB' : 'on one MongoDB';
  console.log(`\n  Two applications, ${where}, with the products of Acme (Alice) and Globex (Gina).`);
  try {
    chapter('One cache for both', 'What one application has loaded, the other has. Every company its own.');
    assert.equal((await get(one.url, ALICE)).price, 120);
    assert.equal((await get(two.url, ALICE)).price, 120);
    assert.equal(queries(), 1);
    step('Alice asks both applications for the anvil', 'queried once, price 120');

    const { name } = await get(two.url, GINA);
    assert.equal(name, 'Anvil of globex');
    assert.equal(queries(), 2);
    step('Gina asks for the anvil, by the same path', name);

    const before = queries();
    const same = await Promise.all(Array.from({ length: 20 }, () => list(one.url, ALICE)));
    assert.equal(new Set(same.map((products) => JSON.stringify(products))).size, 1);
    assert.equal(queries(), before + 1);
    step('20 requests at once for a list that nobody has', 'queried once');

    chapter('Forgotten here, forgotten there', 'A new price drops the product, and the list it stands in, for both.');
    await change(two.url, ALICE, 99);
    assert.equal((await get(two.url, ALICE)).price, 99);
    step('Alice changes the price in the second application', 'price 99');
    if (levels === 'tiered') {
      await pause(BELIEVED_MS);
      step('… and waits as long as the first believes its copies', `${BELIEVED_MS} ms`);
    }
    assert.equal((await get(one.url, ALICE)).price, 99);
    step('She asks the first for the anvil', 'price 99');
    assert.equal((await list(one.url, ALICE)).find(({ sku }) => sku === 'anvil')?.price, 99);
    step('… and for the list', 'price 99');
    assert.equal((await get(one.url, GINA)).price, 120);
    step("Gina's anvil was not touched", 'price 120');
    console.log(
      `\n  ${steps} steps, all as promised, in ${((performance.now() - startedAtMs) / 1000).toFixed(1)} s.\n`,
    );
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

function chapter(title: string, explanation: string): void {
  console.log(`\n  ${bold(title)}\n  ${dim(explanation)}\n`);
}

function step(what: string, shown: string): void {
  steps++;
  console.log(`  ${green('✔')} ${what.padEnd(52)} ${shown}`);
}
