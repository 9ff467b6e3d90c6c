/**
 * What the tracing of an application records of the cache, with the packages that OpenTelemetry offers for the drivers
 * and with their defaults: every call, and no value.
 */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { MongoProcess } from '../support/mongo/mongo-process.js';
import { describeWithMongo } from '../support/mongo/require-mongo.js';
import { randomPrefix, RedisProcess } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

// One build on a busy machine.
jest.setTimeout(240_000);

interface Span {
  readonly name: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const HOOKS = join(root, 'test/support/children/traced.hooks.cjs');
const CANARY = 'canary4242';
const NUMBER = 778_899_001;

const USE = `
  const use = async (CacheModule, CacheService, NestFactory, Module, backend) => {
    class AppModule {}
    Module({ imports: [CacheModule.forRoot({ backend, prefix: '${randomPrefix()}' })] })(AppModule);
    const app = await NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
    const cache = app.get(CacheService).tenant('acme');
    for (let round = 0; round < 2; round++) {
      await cache.getOrSet('loaded', async () => ({ name: '${CANARY}' }), { tags: ['some'] });
      await cache.set('said', '${CANARY}');
      await cache.setMany([['one', '${CANARY}'], ['other', '${CANARY}'.repeat(20_000)]]);
      await cache.increment('count', ${NUMBER});
      await cache.expire('said', '1m');
      await cache.delete('one');
      await cache.invalidateTags(['some']);
    }
    const found = await cache.get('said');
    await app.close();
    console.log(JSON.stringify({ found, spans: globalThis.recordedSpans() }));
  };`;

const NEEDED = `{ NestFactory }, { Module }, { CacheModule, CacheService }`;
const PACKAGES = ['@nestjs/core', '@nestjs/common', 'nestjs-scoped-cache'];
const APPLICATIONS = [
  [
    'a CommonJS application',
    ['--input-type=commonjs'],
    (door: string) => `require('reflect-metadata');
      const [${NEEDED}, { ${door} }] = ${JSON.stringify([...PACKAGES, `nestjs-scoped-cache/${door}`])}.map((name) => require(name));`,
  ],
  [
    'an application of ES modules',
    ['--input-type=module'],
    (
      door: string,
    ) => `import 'reflect-metadata'; import { NestFactory } from '@nestjs/core'; import { Module } from '@nestjs/common';
      import { CacheModule, CacheService } from 'nestjs-scoped-cache'; import { ${door} } from 'nestjs-scoped-cache/${door}';`,
  ],
] as const;

beforeAll(() => promisify(execFile)(process.execPath, ['.ci/build.mjs', '--if-needed'], { cwd: root }));

async function spansOf(flags: readonly string[], head: string, backend: string): Promise<Span[]> {
  const program = `${head}${USE} use(CacheModule, CacheService, NestFactory, Module, ${backend});`;
  const env = { ...process.env, NODE_OPTIONS: '' };
  const args = ['--require', HOOKS, ...flags, '--eval', program];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root, env, maxBuffer: 2 ** 26 });
  const { found, spans } = JSON.parse(stdout) as { found: string; spans: Span[] };
  expect(found).toBe(CANARY);
  return spans;
}

const holdsValue = ({ name, ...rest }: Span): boolean => {
  const text = name + JSON.stringify(rest);
  return text.includes(CANARY) || text.includes(Buffer.from(CANARY).toString('hex')) || text.includes(String(NUMBER));
};

describe.each(APPLICATIONS)('%s with tracing', (_, flags, headOf) => {
  describeWithRedis('on Redis', () => {
    let server: RedisProcess;
    beforeAll(async () => {
      server = await RedisProcess.start();
    });
    afterAll(() => server.stop());

    it('sees every command of the client that we make, and no value in any of them', async () => {
      const spans = await spansOf(flags, headOf('redis'), `redis({ url: '${server.url}', timeout: '5s' })`);
      const statements = spans.map(({ attributes }) => String(attributes['db.query.text']));
      expect(statements.filter((text) => text.startsWith('EVALSHA')).length).toBeGreaterThan(10);
      expect(statements.some((text) => /^mget/i.test(text))).toBe(true);
      expect(statements.join('\n')).toMatch(/\[\d+ bytes\]/);
      expect(spans.filter(holdsValue)).toEqual([]);
    });
  });

  describeWithMongo('on MongoDB', () => {
    let server: MongoProcess;
    beforeAll(async () => {
      server = await MongoProcess.start();
    });
    afterAll(() => server.stop());

    it('sees the calls of the client that we make, and no value in any of them', async () => {
      const spans = await spansOf(flags, headOf('mongo'), `mongo({ uri: '${server.url}', timeout: '5s' })`);
      expect(spans.length).toBeGreaterThan(10);
      expect(spans.filter(holdsValue)).toEqual([]);
    });
  });
});
