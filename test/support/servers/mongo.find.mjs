// Finds what can be started as a MongoDB server for tests, once for a checkout, and remembers the answer:
//
//   1. mongod on PATH
//   2. mongodb-memory-server-core      downloads a real mongod, where the network allows
//   3. mongo-java-server               by Maven and javac (installed by apt-get, as root, where they are missing);
//                                      a wire-protocol server in memory: test/servers/mongo
//
//   node test/support/servers/mongo.find.mjs    prints { command, args, kind } or { missing }
//
// Workers that ask at the same time wait for the one that looks.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { install, run, succeeds } from './system.mjs';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const SOURCES = join(ROOT, 'test', 'servers', 'mongo');
const CACHE = join(ROOT, 'node_modules', '.cache', 'test-mongo');
const LOCK = join(CACHE, 'lock');
/** The longest that somebody else may look. */
const LOOK_MS = 600_000;
const DOWNLOAD_MS = 120_000;

const FOUND = join(CACHE, `found-${fingerprint()}.json`);

mkdirSync(CACHE, { recursive: true });
process.stdout.write(JSON.stringify(await find()));

async function find() {
  const before = remembered();
  if (before !== undefined) return before;
  if (!lock()) return remembered() ?? { missing: 'no MongoDB server: somebody else failed to find one' };
  try {
    const found = remembered() ?? look(await downloaded());
    if (found.missing === undefined) {
      writeFileSync(`${FOUND}.new`, JSON.stringify(found));
      renameSync(`${FOUND}.new`, FOUND);
    }
    return found;
  } finally {
    rmSync(LOCK, { recursive: true, force: true });
  }
}

function remembered() {
  try {
    const found = JSON.parse(readFileSync(FOUND, 'utf8'));
    return found.needs.every((path) => existsSync(path)) ? found : undefined;
  } catch {
    return undefined;
  }
}

function look(binary) {
  if (succeeds('mongod', '--version')) return mongod('mongod', []);
  if (binary !== undefined) return mongod(binary, [binary]);
  const java = buildJava();
  return java ?? { missing: 'no MongoDB server: put mongod on the PATH, or Java 17 and Maven, or set MONGO_URL' };
}

function mongod(command, needs) {
  return { kind: 'mongod', command, args: [], needs };
}

/** A real server, when it can be fetched. Where it cannot, that is known for a day, and nobody waits for it again. */
async function downloaded() {
  const failed = join(CACHE, 'download-failed');
  if (existsSync(failed) && Date.now() - statSync(failed).mtimeMs < 86_400_000) return undefined;
  if (succeeds('mongod', '--version')) return undefined;
  try {
    const { MongoBinary } = await import('mongodb-memory-server-core');
    const fetched = MongoBinary.getPath({ downloadDir: join(CACHE, 'mongod'), version: '8.0.4' });
    const tooLong = new Promise((_, reject) => {
      setTimeout(() => reject(new Error('too slow')), DOWNLOAD_MS).unref();
    });
    return await Promise.race([fetched, tooLong]);
  } catch {
    writeFileSync(failed, '');
    return undefined;
  }
}

function buildJava() {
  if (!(succeeds('javac', '-version') && succeeds('mvn', '-version')) && !install('maven', 'default-jdk-headless'))
    return undefined;
  const home = join(CACHE, `java-${fingerprint()}`);
  const jars = join(home, 'jars');
  try {
    const pom = join(SOURCES, 'pom.xml');
    run(
      'mvn',
      '-q',
      '-B',
      '-f',
      pom,
      'dependency:copy-dependencies',
      '-DincludeScope=runtime',
      `-DoutputDirectory=${jars}`,
    );
    const path = readdirSync(jars).map((name) => join(jars, name));
    const sources = readdirSync(SOURCES).filter((name) => name.endsWith('.java'));
    run('javac', '-cp', path.join(delimiter), '-d', home, ...sources.map((name) => join(SOURCES, name)));
    const classpath = [home, ...path].join(delimiter);
    const args = ['-Xmx512m', '-XX:TieredStopAtLevel=1', '-cp', classpath, 'TestMongoServer'];
    return { kind: 'java', command: 'java', args, needs: [jars, join(home, 'TestMongoServer.class')] };
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    return undefined;
  }
}

/** True when it is ours; false when another had it and is done. */
function lock() {
  for (const endAt = Date.now() + LOOK_MS; Date.now() < endAt;) {
    try {
      mkdirSync(LOCK);
      return true;
    } catch {
      if (remembered() !== undefined) return false;
      const isLeft = Date.now() - (statSync(LOCK, { throwIfNoEntry: false })?.mtimeMs ?? 0) > LOOK_MS;
      if (isLeft) rmSync(LOCK, { recursive: true, force: true });
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 250);
    }
  }
  return false;
}

function fingerprint() {
  const hash = createHash('sha256');
  for (const name of readdirSync(SOURCES).sort()) hash.update(readFileSync(join(SOURCES, name)));
  return hash.digest('hex').slice(0, 12);
}
