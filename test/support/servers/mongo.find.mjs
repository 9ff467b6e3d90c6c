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
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { install, run, succeeds } from './system.mjs';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const SOURCES = join(ROOT, 'test', 'servers', 'mongo');
/** By its own path, whatever leads to it: an archive of classes is for the paths that it was made with. */
const CACHE = join(realpathSync(join(ROOT, 'node_modules')), '.cache', 'test-mongo');
const LOCK = join(CACHE, 'lock');
/** The longest that somebody else may look. */
const LOOK_MS = 600_000;
const DOWNLOAD_MS = 120_000;
const VERSION = '8.0.4';
const ARCHIVE_MS = 120_000;

const FOUND = join(CACHE, `found-${fingerprint()}.json`);

mkdirSync(CACHE, { recursive: true });
process.stdout.write(JSON.stringify(await find()));

async function find() {
  const before = remembered();
  if (before !== undefined) return before;
  if (!lock()) return remembered() ?? { missing: 'no MongoDB server: somebody else failed to find one' };
  try {
    const found = remembered() ?? (await look(await downloaded()));
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

async function look(binary) {
  if (succeeds('mongod', '--version')) return mongod('mongod', []);
  if (binary !== undefined) return mongod(binary, [binary]);
  const java = await buildJava();
  return java ?? { missing: 'no MongoDB server: put mongod on the PATH, or Java 17 and Maven, or set MONGO_URL' };
}

function mongod(command, needs) {
  return { kind: 'mongod', command, args: [], needs };
}

/** Before it begins: a first run that is silent for minutes looks as if it hung. */
function tell(what) {
  process.stderr.write(`${what} Once for this checkout; with MONGO_URL a server of yours is used.\n`);
}

/** A real server, when it can be fetched. Where it cannot, that is known for a day, and nobody waits for it again. */
async function downloaded() {
  const failed = join(CACHE, 'download-failed');
  if (existsSync(failed) && Date.now() - statSync(failed).mtimeMs < 86_400_000) return undefined;
  if (succeeds('mongod', '--version')) return undefined;
  try {
    const { MongoBinary } = await import('mongodb-memory-server-core');
    tell(
      `No mongod on the PATH: fetching MongoDB ${VERSION} from fastdl.mongodb.org, about 100 MB, for at most two minutes.`,
    );
    const fetched = MongoBinary.getPath({ downloadDir: join(CACHE, 'mongod'), version: VERSION });
    const tooLong = new Promise((_, reject) => {
      setTimeout(() => reject(new Error('too slow')), DOWNLOAD_MS).unref();
    });
    return await Promise.race([fetched, tooLong]);
  } catch {
    writeFileSync(failed, '');
    return undefined;
  }
}

async function buildJava() {
  tell(
    'No MongoDB could be fetched: building a server in Java. Maven fetches about 10 MB from its central repository; where you are root, apt-get installs what is missing of Maven and a JDK. This takes a minute or two.',
  );
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
    const classes = join(home, 'classes');
    run('javac', '-cp', path.join(delimiter), '-d', classes, ...sources.map((name) => join(SOURCES, name)));
    // An archive of classes is not made of what lies in a folder.
    const own = join(home, 'server.jar');
    run('jar', '--create', '--file', own, '-C', classes, '.');
    const settings = ['-Xmx512m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xshare:auto'];
    const main = ['-cp', [own, ...path].join(delimiter), 'TestMongoServer'];
    const archive = await archived(home, [...settings, ...main]);
    const args = [...settings, ...archive.map((path) => `-XX:SharedArchiveFile=${path}`), ...main];
    return { kind: 'java', command: 'java', args, needs: [jars, own, ...archive] };
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    return undefined;
  }
}

/**
 * Classes as they are once they are loaded, verified and linked, so that a server begins with them: half of what its start
 * costs. They are those of one that has answered the commands of a cache. Without an archive it starts all the same.
 */
async function archived(home, args) {
  const path = join(home, 'classes.jsa');
  const port = await freePort();
  const server = spawn('java', [`-XX:ArchiveClassesAtExit=${path}`, ...args, String(port), '0', 'streams'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const giveUp = setTimeout(() => server.kill('SIGKILL'), ARCHIVE_MS);
  try {
    const ended = once(server, 'exit');
    await Promise.race([once(server.stdout, 'data'), ended]);
    server.stdout.resume();
    await usedOnce(port);
    // It ends with its input, and writes the archive.
    server.stdin.end();
    await ended;
  } catch {
    server.kill('SIGKILL');
  } finally {
    clearTimeout(giveUp);
  }
  return existsSync(path) ? [path] : [];
}

async function usedOnce(port) {
  const { mongo } = await import('mongoose');
  const client = await new mongo.MongoClient(`mongodb://127.0.0.1:${port}/test`).connect();
  const all = client.db().collection('all');
  const following = all.watch();
  await all.createIndex({ x: 1 }, { expireAfterSeconds: 0 });
  await all.bulkWrite([
    { insertOne: { document: { _id: 'a' } } },
    { deleteMany: { filter: { x: { $exists: true } } } },
  ]);
  await all.updateOne({ _id: 'a' }, { $set: { x: new Date(), v: Buffer.from('v') } }, { upsert: true });
  await all.findOneAndUpdate({ _id: 'a' }, { $max: { n: 1 }, $inc: { m: 1 } });
  await all.findOneAndDelete({ _id: 'b' });
  await all.find({ _id: { $gt: '', $in: ['a'] } }, { sort: { _id: 1 }, limit: 5, projection: { v: 1 } }).toArray();
  await all.countDocuments({});
  await following.tryNext();
  await client.close();
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  return port;
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
  hash.update(readFileSync(fileURLToPath(import.meta.url)));
  return hash.digest('hex').slice(0, 12);
}
