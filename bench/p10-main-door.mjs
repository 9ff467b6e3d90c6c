import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { median, summary } from './harness/stats.mjs';
import { fixed, percent } from './harness/table.mjs';

export const about = {
  title: 'The main door',
  question:
    'How long does an import take, what does an installation bring along, and how large is the package? Imports are timed in new ' +
    'processes that have loaded Nest already (@nestjs/common, @nestjs/core, rxjs, reflect-metadata), in turn, medians. Packages ' +
    'are those that come beside the package itself; peers that an application has anyway do not count.',
  packages: [
    'lru-cache',
    'cache-manager',
    '@nestjs/cache-manager',
    'keyv',
    'cacheable',
    'bentocache',
    '@type-cacheable/core',
    '@nestjs/core',
  ],
};

const BENCH = fileURLToPath(new URL('.', import.meta.url));
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const ROUNDS = 21;
const DOORS = {
  'lru-cache': ['lru-cache'],
  'nestjs-scoped-cache': ['nestjs-scoped-cache'],
  ...(process.env.BENCH_BEFORE === undefined ? {} : { 'nestjs-scoped-cache, before': ['nestjs-scoped-cache-before'] }),
  'cache-manager': ['cache-manager'],
  '@nestjs/cache-manager': ['@nestjs/cache-manager'],
  keyv: ['keyv'],
  cacheable: ['cacheable'],
  bentocache: ['bentocache', 'bentocache/drivers/memory'],
  'type-cacheable': ['@type-cacheable/core'],
};

const execute = promisify(execFile);

export async function run(report) {
  const importsMs = await timeImports();
  const packed = await packedSize();
  const rows = Object.entries(DOORS).map(([name, [door]]) => ({
    name,
    ...summary(importsMs[name]),
    packages: packagesBeside(door),
  }));
  report.table(
    'imports in ms beyond Nest, and packages that come along',
    [
      ['', 'ms', 'spread', 'packages'],
      ...rows.map(({ name, median: ms, spread, packages }) => [name, fixed(ms), percent(spread), packages.length]),
    ],
    rows,
  );
  report.note(
    `Packed: ${fixed(packed.bytes / 1000)} kB in ${packed.files} files${packed.maps === 0 ? '' : `, source maps left out (${packed.maps} files)`}.`,
  );
  const dependencies = Object.keys(manifest(ROOT).dependencies ?? {});
  report.target('import beyond Nest', median(importsMs['nestjs-scoped-cache']), { most: 15, unit: ' ms' });
  report.target(`runtime dependencies (${dependencies.join(', ') || 'none'})`, dependencies.length, { most: 3 });
  report.target('packed without maps', packed.bytes / 1000, { most: 60, unit: ' kB' });
}

async function timeImports() {
  const times = Object.fromEntries(Object.keys(DOORS).map((name) => [name, []]));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, doors] of Object.entries(DOORS)) {
      const ms = await timeImport(doors);
      // The first round reads from the disk.
      if (round > 0) times[name].push(ms);
    }
  }
  return times;
}

async function timeImport(doors) {
  const source = `
    await import('reflect-metadata'); await import('rxjs'); await import('@nestjs/common'); await import('@nestjs/core');
    const startedAt = performance.now();
    for (const door of ${JSON.stringify(doors)}) await import(door);
    console.log(performance.now() - startedAt);`;
  const { stdout } = await execute(process.execPath, ['--input-type=module', '--eval', source], { cwd: BENCH });
  return Number(stdout);
}

/** Every package that a package's dependencies bring, one by one. */
function packagesBeside(door) {
  const found = new Set();
  const visit = (folder) => {
    for (const name of Object.keys(manifest(folder).dependencies ?? {})) {
      const inside = resolveFolder(name, folder);
      if (inside === undefined || found.has(inside)) continue;
      found.add(inside);
      visit(inside);
    }
  };
  visit(door === 'nestjs-scoped-cache' ? ROOT : resolveFolder(door, BENCH));
  return Array.from(found, (folder) => manifest(folder).name);
}

function resolveFolder(name, from) {
  for (let at = from; ; at = dirname(at)) {
    const folder = join(at, 'node_modules', name);
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (at === dirname(at)) return undefined;
  }
}

function manifest(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

/** What the registry would store. Maps, if there are any, are packed apart and left out of the sum. */
async function packedSize() {
  const { stdout } = await execute('npm', ['pack', '--json', '--dry-run', '--ignore-scripts'], {
    cwd: ROOT,
    shell: process.platform === 'win32',
  });
  const [{ size, files }] = JSON.parse(stdout);
  const maps = files.filter(({ path }) => path.endsWith('.map'));
  const mapsShare = maps.reduce((sum, file) => sum + file.size, 0) / files.reduce((sum, file) => sum + file.size, 0);
  return { bytes: size * (1 - mapsShare), files: files.length - maps.length, maps: maps.length };
}
