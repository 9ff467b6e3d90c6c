/** An address with a mistake in it is an option with a mistake in it, and holds a password. */
import { expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { assemble } from '../../../support/machine/assemble.js';
import { mongo } from '../../../../lib/backends/mongo/mongo.backend.js';
import { redis } from '../../../../lib/backends/redis/redis.backend.js';
import { openClients } from '../../../../lib/backends/redis/connection/client.js';
import { resolveRedisOptions } from '../../../../lib/backends/redis/options.js';
import { CacheConfigError } from '../../../../lib/core/errors.js';

const thrownBy = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return error;
  }
};

it.each([
  ['mongo.uri', () => mongo({ uri: 'mongodb://' })],
  ['mongo.uri', () => mongo({ uri: 'mongodb://tom:se/kret@127.0.0.1:1/app' })],
  ['mongo.uri', () => mongo({ uri: 'mongodb://tom:sekret@127.0.0.1:1/app?kret=1' })],
  ['mongo.uri', () => mongo({ uri: 'mongodb://127.0.0.1/app', clientOptions: { kret: 1 } as never })],
  ['redis.url', () => redis({ url: 'redis://tom:se/kret@127.0.0.1:6379' })],
  ['redis.url', () => redis({ url: 'redis://:sekret@127.0.0.1:99999999' })],
  ['redis.url', () => redis({ url: 'redis://:se%kret@127.0.0.1:6379' })],
  ['redis.url', () => redis({ url: 'redis://:sekret@127.0.0.1:6379/first' })],
])('one that cannot be read is refused under the name %s, and not repeated', (option, backend) => {
  const error = thrownBy(() => assemble({ backend: backend() }));
  expect(error).toBeInstanceOf(CacheConfigError);
  expect(error).toMatchObject({ option });
  expect((error as Error).cause).toBeUndefined();
  expect((error as Error).message).toContain(':password@host:');
  expect((error as Error).message).not.toMatch(/kret|127/);
});

it.each([
  ['redis.url', () => redis({ url: 'redis://127.0.0.1:6379/0?keyPrefix=%7Bapp%7D:' })],
  ['redis.clientOptions', () => redis({ clientOptions: { keyPrefix: '{app}:' } })],
  [
    'redis.clusterOptions',
    () => redis({ cluster: [{ port: 1 }], clusterOptions: { redisOptions: { keyPrefix: '{a}' } } }),
  ],
  ['redis.db', () => redis({ db: 1.5 })],
  ['redis.port', () => redis({ port: NaN })],
  ['redis.db', () => redis({ cluster: [{ host: 'one', port: 1 }], db: 1 })],
  ['redis.port', () => redis({ cluster: [{ host: 'one', port: 1 }], port: 1 })],
  ['redis.password', () => redis({ client: new Redis({ lazyConnect: true }), password: 'kret' })],
])('options without effect are refused: %s', (option, backend) => {
  expect(thrownBy(backend)).toMatchObject({ option });
});

it('what safety rests on is not up to the end of a url', () => {
  const url = 'redis://127.0.0.1:1/2?enableOfflineQueue=true&maxRetriesPerRequest=20&connectionName=cats';
  const [client] = openClients(resolveRedisOptions({ url }), Math.random);
  client?.on('error', () => undefined);
  client?.disconnect();
  expect(client?.options).toMatchObject({
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectionName: 'cats',
    db: 2,
  });
});

it('a url and a host are two servers', () => {
  expect(() => redis({ url: 'redis://one', host: 'two' })).toThrow('redis: url, host, cluster, sentinels and client');
});
