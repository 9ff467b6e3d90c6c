/**
 * What is made of a server that may not be asked what it is, or says it in an unexpected way: it is used, what the cache
 * cannot notice is said once by name, and no start and no call is refused.
 */
import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { connect, createServer, type AddressInfo } from 'node:net';
import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis-5';
import { oddityOf, serverNameOf } from '../../lib/backends/redis/connection/server-facts.js';
import { factsOf } from '../../lib/backends/redis/connection/reply.js';
import { aclRules } from '../fixtures/redis-acl.js';
import { Machines } from '../support/redis/machines.js';
import { RedisProcess, until } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(30_000);

const RIGHT = /redis\.\w+: the user has no right to INFO: .*goes unnoticed.* \+info/;

describeWithRedis('what a server says of itself', () => {
  let server: RedisProcess;
  const machines = new Machines();
  const ends: (() => unknown)[] = [];
  beforeAll(async () => {
    server = await RedisProcess.start();
    await server.command('ACL', 'SETUSER', 'blind', 'reset', 'on', '>x', ...aclRules('t*'), '-info');
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await machines.close();
    for (const end of ends.splice(0).reverse()) await end();
  });
  afterAll(() => server.stop());
  const adopted = (client: Redis | Redis5): { client: Redis } => {
    ends.push(() => client.disconnect());
    return { client: client as Redis };
  };
  const warningsOf = ({ recorded }: ReturnType<Machines['on']>): string[] =>
    recorded.of('warning').map(({ message }) => message);
  /** A line to the server on which its words are changed, as long as they stay as long. */
  const proxied = async (change: (said: string) => string): Promise<string> => {
    const proxy = createServer((down) => {
      const up = connect(server.port, '127.0.0.1');
      for (const socket of [down, up])
        socket.on('error', () => undefined).on('close', () => [down, up].map((each) => each.destroy()));
      down.pipe(up);
      up.on('data', (chunk) => down.write(Buffer.from(change(chunk.toString('latin1')), 'latin1')));
    });
    await new Promise<void>((resolve) => {
      proxy.listen(0, '127.0.0.1', resolve);
    });
    ends.push(() => proxy.close());
    return `redis://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  };

  it.each([
    ['a client of ours', () => ({ url: server.url, username: 'blind', password: 'x' })],
    ['ioredis 6', () => adopted(new Redis(server.port, '127.0.0.1', { username: 'blind', password: 'x' }))],
    ['ioredis 5', () => adopted(new Redis5(server.port, '127.0.0.1', { username: 'blind', password: 'x' }))],
  ])(
    'A83: a user without the right to INFO is told once that a demotion goes unnoticed, and what to grant (%s)',
    async (_, to) => {
      // ioredis says there that it goes without its own question.
      jest.spyOn(console, 'warn').mockImplementation(() => undefined);
      const rig = await machines.ready(to());
      await rig.set('cat', 'Tom');
      expect(await rig.get('cat')).toBe('Tom');
      for (let round = 0; round < 2; round++) {
        await server.command('CLIENT', 'KILL', 'USER', 'blind');
        await until('it is used again', async () => {
          await rig.load('probe', () => round);
          return (await rig.get('probe')) !== undefined;
        });
      }
      const said = warningsOf(rig).filter((message) => message.includes('INFO'));
      expect(said).toEqual([expect.stringMatching(RIGHT)]);
    },
  );

  it('A83: one whose right is taken away while it is used is told the same, and stays in use', async () => {
    await server.command('ACL', 'SETUSER', 'seeing', 'reset', 'on', '>x', ...aclRules('t*'));
    const rig = await machines.ready({ url: server.url, username: 'seeing', password: 'x' });
    await rig.set('cat', 'Tom');
    expect(warningsOf(rig)).toEqual([]);
    await server.command('ACL', 'SETUSER', 'seeing', '-info');
    await until('it is told', () => warningsOf(rig).some((message) => RIGHT.test(message)));
    expect(await rig.get('cat')).toBe('Tom');
    expect(rig.log).toEqual([expect.stringMatching(RIGHT)]);
  });

  it('A83: a server that knows no INFO is used by clients that do not insist on it, and named where they do', async () => {
    const deaf = await RedisProcess.start({ args: ['--rename-command', 'INFO', ''] });
    ends.push(() => deaf.stop());
    const options = { port: deaf.port, host: '127.0.0.1', enableReadyCheck: false };
    for (const client of [new Redis(options), new Redis5(options)]) {
      const rig = await machines.ready(adopted(client));
      await rig.set('cat', 'Tom');
      expect(await rig.get('cat')).toBe('Tom');
      expect(warningsOf(rig)).toEqual([expect.stringContaining('redis.client: the server knows no INFO')]);
    }
    const ours = await machines.ready({ url: deaf.url });
    expect(await ours.load('cat', () => 'loaded')).toBe('loaded');
    await until('it is told', () => warningsOf(ours).some((message) => message.includes('the server knows no INFO')));
  });

  it('A84: it is called by its own name, whatever version it says for compatibility', async () => {
    const [, name, version] = /^(\w+) server v=(\S+)/.exec(String(execFileSync('redis-server', ['--version']))) ?? [];
    const rig = await machines.ready({ url: server.url });
    expect((await rig.backend.info()).details).toMatchObject({ server: `${name} ${version}` });
    expect(warningsOf(rig)).toEqual([]);
  });

  it.each([
    [
      'older than any the cache is run on',
      '6.0',
      /redis\.url: the server is Redis 6\.0[\d.]*: it is used, and Redis 7 is the oldest/,
    ],
    ['that cannot be read', '?.?', /redis\.url: the version of the server is not understood \(redis_version\)/],
  ])('A84: a version %s is said once; the server is used', async (_, version, said) => {
    const change = (words: string): string =>
      // Valkey calls itself so, too: what is asked for here is a Redis of another version.
      words
        .replace(/server_name:valkey/, 'server_xame:valkey')
        .replace(/redis_version:\d+\.\d/, (found) => `redis_version:${version}`.padEnd(found.length, '0'));
    const rig = await machines.ready({ url: await proxied(change), requireOnBoot: true });
    await rig.set('cat', 'Tom', { tags: ['red'] });
    expect(await rig.get('cat')).toBe('Tom');
    await rig.invalidateTag('red');
    expect(await rig.get('cat')).toBeUndefined();
    expect(rig.log).toEqual([expect.stringMatching(said)]);
  });

  it('A84: forks are told apart by the name they give', () => {
    const told = (...lines: string[]): (string | undefined)[] => {
      const facts = factsOf(lines.join('\r\n'));
      return [serverNameOf(facts), oddityOf(facts)];
    };
    expect(told('redis_version:8.2.3')).toEqual(['Redis 8.2.3', undefined]);
    expect(told('redis_version:255.255.255')).toEqual(['Redis 255.255.255', undefined]);
    expect(told('redis_version:7.2.4', 'server_name:valkey', 'valkey_version:8.1.8')).toEqual([
      'Valkey 8.1.8',
      undefined,
    ]);
    expect(told('redis_version:7.2.4', 'server_name:valkey')).toEqual([undefined, undefined]);
    expect(told('redis_version:7.4.0', 'dragonfly_version:df-v1.34.1')).toEqual(['Dragonfly df-v1.34.1', undefined]);
    expect(told('redis_version:6.3.4')).toEqual(['Redis 6.3.4', expect.stringContaining('Redis 6.3.4')]);
    // Words of a server are repeated where they are a version, and not otherwise.
    expect(told('redis_version:<b>7</b> secret')).toEqual([undefined, expect.not.stringContaining('secret')]);
    expect(told()).toEqual([undefined, expect.stringContaining('not understood')]);
  });
});
