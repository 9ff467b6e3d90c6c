/** A40: a server that cannot prove who it is is no server, and nothing is said to it in plain words. */
import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { BackendError, InvalidationUnknownError } from '../../lib/core/errors.js';
import type { RedisOptions } from '../../lib/backends/redis/options.js';
import { TcpProxy } from '../support/proxy/tcp-proxy.js';
import { describeWith } from '../support/describe-with.js';
import { hasOpenssl, TestAuthority, type Certificate } from '../support/redis/certificates.js';
import { Machines, timed } from '../support/redis/machines.js';
import { MASTER_NAME, sentinelOf } from '../support/redis/redis-sentinels.js';
import { freePort, RedisProcess, until } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(30_000);

const missing = hasOpenssl() ? undefined : 'no openssl on the PATH: install it (apt-get install openssl)';
const PASSWORD = 'a password that is nobody’s business';

describeWithRedis('a server behind TLS', () => {
  describeWith(missing, 'and its certificate', () => {
    let authority: TestAuthority;
    const machines = new Machines();
    const servers: RedisProcess[] = [];
    beforeAll(() => {
      authority = new TestAuthority();
    });
    afterEach(async () => {
      await machines.close();
      await Promise.all(servers.splice(0).map((server) => server.stop()));
    });
    afterAll(() => authority.remove());
    const start = async ({ cert, key }: Certificate): Promise<RedisProcess> => {
      const port = await freePort();
      const tls = {
        'tls-port': port,
        'tls-cert-file': cert,
        'tls-key-file': key,
        'tls-ca-cert-file': authority.own.cert,
      };
      const config = { ...tls, port: 0, 'tls-auth-clients': 'no', requirepass: PASSWORD };
      const server = await RedisProcess.start({ port, config });
      servers.push(server);
      return server;
    };
    const to = (port: number, tls: RedisOptions['tls']): RedisOptions => ({
      url: `rediss://127.0.0.1:${port}`,
      password: PASSWORD,
      tls,
    });

    const masterOf = (_: number, sentinel: number): RedisOptions => ({
      name: MASTER_NAME,
      sentinels: [{ host: '127.0.0.1', port: sentinel }],
      tls: {},
      clientOptions: { enableTLSForSentinelMode: true },
    });

    it('A40: one that the right authority vouches for is used', async () => {
      const server = await start(authority.issue('IP:127.0.0.1'));
      const options = to(server.port, { ca: authority.pem });
      const rig = await machines.ready({ ...options, requireOnBoot: true });
      await rig.set('cat', 'Tom');
      expect(await (await machines.ready(options)).get('cat')).toBe('Tom');
      expect(await rig.evict('cat')).toBe(1);
    });

    it.each([
      ['vouches for itself', () => authority.selfMade(), {}, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
      [
        'comes from an authority that was not named',
        () => authority.issue('IP:127.0.0.1'),
        {},
        'SELF_SIGNED_CERT_IN_CHAIN',
      ],
      ['has expired', () => authority.issue('IP:127.0.0.1', -9, -1), 'trusted', 'CERT_HAS_EXPIRED'],
      ['is not valid yet', () => authority.issue('IP:127.0.0.1', 1, 9), 'trusted', 'CERT_NOT_YET_VALID'],
      [
        'is for another host',
        () => authority.issue('DNS:elsewhere.example'),
        'trusted',
        'ERR_TLS_CERT_ALTNAME_INVALID',
      ],
    ] as const)('A40: one whose certificate %s is refused, and it is said why', async (_, certificate, trust, code) => {
      const server = await start(certificate());
      const options = to(server.port, trust === 'trusted' ? { ca: authority.pem } : {});
      const rig = machines.on(options);
      const { answer, tookMs } = await timed(() => rig.load('cat', () => 'loaded'));
      expect(answer).toBe('loaded');
      expect(tookMs).toBeLessThan(600);
      await expect(rig.evict('cat')).rejects.toBeInstanceOf(InvalidationUnknownError);
      await until('it is told', () => rig.recorded.of('warning').some(({ message }) => message.includes(code)));
      const required = machines.on({ ...options, requireOnBoot: true, connectTimeout: '1s' });
      const refusal = await Promise.resolve(required.backend.open?.()).catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(BackendError);
      expect((refusal as Error).message).toContain(code);
      expect(inspect([refusal, rig.recorded.events], { depth: 9 })).not.toContain(PASSWORD);
    });

    it('a client that speaks plainly to its port is told to look at that, as long as it never answered', async () => {
      const server = await start(authority.issue('IP:127.0.0.1'));
      const proxy = await TcpProxy.before(server.port);
      try {
        const rig = machines.on({ url: `redis://127.0.0.1:${server.port}`, password: PASSWORD });
        await until('it is told', () => rig.log.length > 0);
        expect(rig.log[0]).toContain('(ECONNRESET before anything was answered; does this port expect TLS?)');
        expect(rig.log.join()).not.toContain(PASSWORD);
        // The same end of a connection means something else where there was an answer once.
        const other = await machines.ready({ ...to(proxy.port, { ca: authority.pem }), requireOnBoot: true });
        await server.kill();
        await until('it is told', () => other.log.some((line) => line.includes('does not answer')));
        expect(other.log.join()).not.toContain('TLS');
      } finally {
        await proxy.close();
      }
    });

    it.each([
      ['a server', (port: number): RedisOptions => to(port, {})],
      ['a cluster', (port: number): RedisOptions => ({ cluster: [{ host: '127.0.0.1', port }], tls: {} })],
      ['the master of sentinels', masterOf],
    ])('A40: connections to %s that end in their handshake raise no error without a listener', async (_, options) => {
      const server = await start(authority.selfMade());
      const sentinel = await sentinelOf(server.port);
      servers.push(sentinel);
      const said = options(server.port, sentinel.port);
      // A server may complain after its certificate was refused. An error without a listener fails the test.
      for (let turn = 0; turn < 60; turn++) {
        const hasty = new Machines();
        hasty.on(said);
        await sleep(turn % 6);
        await hasty.close();
      }
      await sleep(200);
    });
  });

  it('a server that does not speak TLS is told of as such, at the start as well', async () => {
    const server = await RedisProcess.start();
    const machines = new Machines();
    try {
      const options = { url: `rediss://127.0.0.1:${server.port}`, connectTimeout: 200 };
      const rig = machines.on(options);
      await until('it is told', () => rig.log.length > 0);
      expect(rig.log[0]).toContain('(ETIMEDOUT in the TLS handshake; does this port speak TLS?)');
      const refused = machines.on({ ...options, connectTimeout: 500, requireOnBoot: true }).backend.open?.();
      await expect(refused).rejects.toThrow('does this port speak TLS?');
      // A port without a server has nothing to do with it.
      await server.kill();
      const nobody = machines.on(options);
      await until('it is told', () => nobody.log.length > 0);
      expect(nobody.log[0]).toContain('(ECONNREFUSED)');
    } finally {
      await machines.close();
      await server.stop();
    }
  });

  it('A40: one that does not speak TLS hears nothing but its beginning, however often it is tried', async () => {
    const heard: Buffer[] = [];
    const plain = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', (bytes) => {
        heard.push(bytes);
        // What a server without TLS makes of it.
        socket.end('-ERR Protocol error\r\n');
      });
    });
    await new Promise<void>((resolve) => {
      plain.listen(0, '127.0.0.1', resolve);
    });
    const machines = new Machines();
    try {
      const { port } = plain.address() as AddressInfo;
      const rig = machines.on({ url: `rediss://127.0.0.1:${port}`, password: PASSWORD });
      await until('it was tried a few times', async () => {
        expect(await rig.load('cat', () => 'loaded')).toBe('loaded');
        return heard.length >= 4;
      });
      // A handshake of TLS is a record of type 22.
      expect(new Set(heard.map((bytes) => bytes[0]))).toEqual(new Set([22]));
      expect(Buffer.concat(heard).includes(PASSWORD)).toBe(false);
      expect(Buffer.concat(heard).includes('AUTH')).toBe(false);
      expect(rig.log).toEqual([expect.stringContaining('in the TLS handshake; does this port speak TLS?)')]);
    } finally {
      await machines.close();
      await new Promise((resolve) => {
        plain.close(resolve);
      });
    }
  });
});
