/**
 * The first of three sentinels is halted (SIGSTOP): its port takes connections, and answers nothing. The application is
 * started, then its connections are killed (CLIENT KILL), then it is closed; the sentinel hangs all the time.
 */
import { describe, expect, jest } from '@jest/globals';
import { itConcurrent, ownOfEachTest } from '../support/own.js';
import { Application, type ApplicationOptions } from '../support/redis/application.js';
import { Machines } from '../support/redis/machines.js';
import { until } from '../support/redis/redis-process.js';
import { MASTER_NAME, RedisSentinels } from '../support/redis/redis-sentinels.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(90_000);

/** What a child process takes to load everything, on a busy machine. */
const LOADING_MS = 30_000;
const NAME = 'application';

describeWithRedis('one of three sentinels hangs', () => {
  const here = ownOfEachTest(() => new Machines());
  const start = (options: ApplicationOptions): Application => {
    const application = new Application(options);
    here().ends.push(() => application.kill());
    return application;
  };
  const sentinels = async (): Promise<RedisSentinels> => {
    const group = await RedisSentinels.start();
    here().ends.push(() => group.stop());
    group.sentinels[0]?.halt();
    return group;
  };
  /** On whichever of the two is master: on a busy machine sentinels may have taken it for dead. */
  const onBoth = (group: RedisSentinels, name: string, ...args: string[]): Promise<unknown[]> =>
    Promise.all([group.master, group.replica].map((server) => server.command(name, ...args)));
  /** How the application speaks: it tells the versions of ioredis apart. */
  const dialects = async (group: RedisSentinels): Promise<string[]> => {
    const clients = (await onBoth(group, 'CLIENT', 'LIST')).join('\n').split('\n');
    const ours = clients.filter((line) => line.includes(`name=${NAME} `));
    return [...new Set(ours.map((line) => /resp=./.exec(line)?.[0] ?? ''))];
  };

  describe.each([5, 6] as const)('ioredis %i', (version) => {
    itConcurrent.each([
      ['one level, encrypted', { isEncrypted: true }],
      ['two levels', { isTiered: true }],
    ])(
      'A67: the next is asked at a start and after connections were killed, and the process ends (%s)',
      async (_, more) => {
        const group = await sentinels();
        const clientOptions = { connectionName: NAME };
        const options = { sentinels: group.addresses, name: MASTER_NAME, clientOptions };
        const application = start({ version, options, ...more });
        expect(await application.started(LOADING_MS)).toBeLessThan(5_000);
        await until('what is stored is found', () => application.isHit(), 10_000);
        expect(await dialects(group)).toEqual([version === 5 ? 'resp=2' : 'resp=3']);
        for (let round = 0; round < 3; round++) {
          await onBoth(group, 'CLIENT', 'KILL', 'TYPE', 'normal');
          await until('it is found again', () => application.isHit(), 10_000);
        }
        await application.close(10_000);
        expect(application.printed).toBe('');
      },
    );

    itConcurrent('A67: where all of them hang the start is over in bounded time, and the process ends', async () => {
      const group = await sentinels();
      for (const sentinel of group.sentinels) sentinel.halt();
      // Much longer than this test waits for the process to end.
      const times = { connectTimeout: '2m', startTimeout: '1s' } as const;
      const options = { sentinels: group.addresses, name: MASTER_NAME, ...times };
      const application = start({ version, isEncrypted: true, options });
      expect(await application.started(LOADING_MS)).toBeLessThan(5_000);
      await application.close(10_000);
      expect(application.printed).toBe('');
    });

    itConcurrent('A67: of one that is gone, on which failovers are listened for, nothing is printed', async () => {
      const group = await sentinels();
      await group.sentinels[2]?.kill();
      const application = start({ version, options: { sentinels: group.addresses, name: MASTER_NAME } });
      await application.started(LOADING_MS);
      await until('what is stored is found', () => application.isHit(), 10_000);
      await application.close(10_000);
      expect(application.printed).toBe('');
    });
  });
});
