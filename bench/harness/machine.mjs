/** Where the numbers come from: without it they mean nothing. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const BENCH = fileURLToPath(new URL('..', import.meta.url));
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export function describeMachine() {
  const [cpu] = cpus();
  return {
    cpu: cpu?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${process.arch}`,
    node: process.version,
    load: loadavg()[0].toFixed(1),
    date: new Date().toISOString().slice(0, 16).replace('T', ' '),
    commit: commit(),
  };
}

export function machineLines(machine = describeMachine()) {
  const { cpu, cores, memoryGb, system, node, load, date, commit: at } = machine;
  return [
    `${cpu}, ${cores} cores, ${memoryGb} GB, ${system}, Node ${node.slice(1)}`,
    `${date} UTC, load ${load}, commit ${at}`,
  ];
}

/** The version of a package that a bench loads: its own if it has one, else the repository's. */
export function versionOf(name) {
  if (name === 'nestjs-scoped-cache') return manifest(join(ROOT, 'package.json')).version;
  const path = [BENCH, ROOT].map((base) => join(base, 'node_modules', name, 'package.json')).find(existsSync);
  return path === undefined ? 'missing' : manifest(path).version;
}

export function versionsLine(names) {
  return names.map((name) => `${name} ${versionOf(name)}`).join(', ');
}

function manifest(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}

function commit() {
  try {
    const git = (...args) =>
      execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    return (
      git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '--', 'lib') === '' ? '' : ' with changes')
    );
  } catch {
    return 'none yet';
  }
}
