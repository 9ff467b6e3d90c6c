/** An address with a mistake in it is an option with a mistake in it, and holds a password. */
import { expect, it } from '@jest/globals';
import { assemble } from '../../../lib/assemble.js';
import { mongo } from '../../../lib/backends/mongo.backend.js';
import { redis } from '../../../lib/backends/redis.backend.js';
import { CacheConfigError } from '../../../lib/core/errors.js';

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
])('one that cannot be read is refused under the name %s, and not repeated', (option, backend) => {
  const error = thrownBy(() => assemble({ backend: backend() }));
  expect(error).toBeInstanceOf(CacheConfigError);
  expect(error).toMatchObject({ option });
  expect((error as Error).cause).toBeUndefined();
  expect((error as Error).message).toContain(':password@host:');
  expect((error as Error).message).not.toMatch(/kret|127/);
});

it('a url and a host are two servers', () => {
  expect(() => redis({ url: 'redis://one', host: 'two' })).toThrow('redis: url, host, cluster, sentinels and client');
});
