// Asks the questions of this folder: npm run bench, or npm run bench -- p01 p08, or, with an older build as one more
// contestant, npm run bench -- --before <commit> p01
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { buildBefore } from './harness/before.mjs';
import { machineLines } from './harness/machine.mjs';
import { hasRedis } from './harness/redis-server.mjs';
import { Report } from './harness/report.mjs';

const BENCH = fileURLToPath(new URL('.', import.meta.url));
const ROOT = fileURLToPath(new URL('..', import.meta.url));

const { values: options, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: { before: { type: 'string' } },
});
const files = readdirSync(BENCH)
  .filter((file) => /^p\d\d-.*\.mjs$/.test(file))
  .filter((file) => wanted.length === 0 || wanted.some((name) => file.startsWith(name)))
  .sort();
if (files.length === 0) {
  console.error(`There is no bench called ${wanted.join(' or ')}. See bench/README.md.`);
  process.exit(1);
}

installPeers();
linkLibrary();
execFileSync(process.execPath, [join(ROOT, '.ci', 'build.mjs'), '--if-needed'], { cwd: ROOT, stdio: 'inherit' });

if (options.before !== undefined) process.env.BENCH_BEFORE = buildBefore(options.before);

console.log(machineLines().join('\n'));
const missed = [];
for (const file of files) {
  const bench = await import(pathToFileURL(join(BENCH, file)).href);
  if (bench.about.needs === 'redis' && !hasRedis()) {
    console.error(
      `\n${file.replace('.mjs', '')} is left out: it needs redis-server on the PATH (apt-get install redis-server).`,
    );
    continue;
  }
  const report = new Report(file.replace('.mjs', ''), bench.about);
  await bench.run(report);
  missed.push(
    ...report
      .finish()
      .filter(({ isMet }) => !isMet)
      .map(({ text }) => `${file.slice(0, 3)} ${text}`),
  );
}
console.log(missed.length === 0 ? 'Every target is met.' : `Missed: ${missed.join('; ')}.`);

/** The peers disagree about the versions of their own peers, so npm is told not to mind. */
function installPeers() {
  const { dependencies } = JSON.parse(readFileSync(join(BENCH, 'package.json'), 'utf8'));
  if (Object.keys(dependencies).every((name) => existsSync(join(BENCH, 'node_modules', name, 'package.json')))) return;
  const args = ['install', '--legacy-peer-deps', '--no-package-lock', '--no-audit', '--no-fund'];
  execFileSync('npm', args, { cwd: BENCH, stdio: 'inherit', shell: process.platform === 'win32' });
}

/** Under its own name, as an application would import it, so that the benches go through `exports`. */
function linkLibrary() {
  const link = join(BENCH, 'node_modules', 'nestjs-scoped-cache');
  const target = process.platform === 'win32' ? ROOT : join('..', '..');
  if (existsSync(link) && readlinkSync(link) === target) return;
  rmSync(link, { recursive: true, force: true });
  symlinkSync(target, link, process.platform === 'win32' ? 'junction' : 'dir');
}
