/** What was stored is there after a restart, and what was invalidated is not. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplication } from '@nestjs/common';
import { bold, dim, green } from '../../01-quick-start/src/terminal.js';
import { ReportsService, type Report } from './reports/reports.service.js';
import { startApp } from './start-app.js';

const ALICE = 'acme-alice';
const GINA = 'globex-gina';

interface Running {
  readonly app: INestApplication;
  readonly url: string;
}

const startedAtMs = performance.now();
const folder = mkdtempSync(join(tmpdir(), 'sample-own-backend-'));
let steps = 0;

try {
  await play();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function play(): Promise<void> {
  console.log('\n  An application with a cache of its own making, in a folder. Alice is of Acme, Gina of Globex.');
  chapter('Files', 'Every entry is one, and each company has a folder of its own.');
  const first = await during(async ({ app, url }) => {
    const made = await ask(url, ALICE);
    await ask(url, ALICE);
    assert.equal(app.get(ReportsService).made, 1);
    step('Alice asks twice for a report', 'made once');
    await ask(url, GINA);
    assert.equal(app.get(ReportsService).made, 2);
    step('Gina asks for the report of the same number', 'made for Globex');
    return made;
  });

  chapter('Another start', 'The next process finds what this one has stored, and nothing that it has invalidated.');
  await during(async ({ app, url }) => {
    assert.deepEqual(await ask(url, ALICE), first);
    assert.equal(app.get(ReportsService).made, 0);
    step('Alice asks the next process', 'not made again');
    await fetch(`${url}/reports`, { method: 'DELETE', headers: { authorization: `Bearer ${ALICE}` } });
    step('She drops the reports of her company', 'by their tag');
  });
  const second = await during(async ({ app, url }) => {
    const made = await ask(url, ALICE);
    assert.notDeepEqual(made, first);
    await ask(url, GINA);
    assert.equal(app.get(ReportsService).made, 1);
    step('After one more start she asks again, and so does Gina', "hers was made, Gina's was there");
    return made;
  });

  chapter('Strangers in the folder', 'What is read was proven to be what was stored.');
  damage(folder);
  await during(async ({ app, url }) => {
    assert.notDeepEqual(await ask(url, ALICE), second);
    assert.equal(app.get(ReportsService).made, 1);
    step('A byte of each file was changed; Alice asks', 'made again');
  });
  console.log(`\n  ${steps} steps, all as promised, in ${((performance.now() - startedAtMs) / 1000).toFixed(1)} s.\n`);
}

/** One process of the application: started on the folder, and closed. */
async function during<T>(work: (running: Running) => Promise<T>): Promise<T> {
  const running = await startApp(folder, 0);
  try {
    return await work(running);
  } finally {
    await running.app.close();
  }
}

async function ask(url: string, token: string): Promise<Report> {
  const answer = await fetch(`${url}/reports/1`, { headers: { authorization: `Bearer ${token}` } });
  assert.ok(answer.ok, `${url} answered ${answer.status}`);
  return (await answer.json()) as Report;
}

/** Changes the last value byte of each entry. */
function damage(below: string): void {
  for (const path of readdirSync(below, { recursive: true, withFileTypes: true })) {
    if (!path.isFile() || path.name === 'state.json') continue;
    const file = join(path.parentPath, path.name);
    const bytes = readFileSync(file);
    bytes[bytes.length - 6] = (bytes[bytes.length - 6] ?? 0) ^ 1;
    writeFileSync(file, bytes);
  }
}

function chapter(title: string, explanation: string): void {
  console.log(`\n  ${bold(title)}\n  ${dim(explanation)}\n`);
}

function step(what: string, shown: string): void {
  steps++;
  console.log(`  ${green('✔')} ${what.padEnd(55)} ${shown}`);
}
