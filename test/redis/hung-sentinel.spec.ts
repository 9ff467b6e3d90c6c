/**
 * The first of three sentinels is halted (SIGSTOP): its port takes connections, and answers nothing. The application is
 * started, then its connections are killed (CLIENT KILL), then it is closed; the sentinel hangs all the time.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Application, type ApplicationOptions } from '../support/redis/application.js';
import { until } from '../support/redis/redis-process.js';
import { MASTER_NAME, RedisSentinels } from '../support/redis/redis-sentinels.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(90_000);

/** What a child process takes to load everything, on a busy machine. */
const LOADING_MS = 30_000;
const NAME = 'application';

describeWithRedis('one of three sentinels hangs', () => {
  let group: RedisSentinels;
  const applications: Application[] = [];
  const start = (options: ApplicationOptions): Application => {
    const application = new Application(options);
    applications.push(application);
    return application;
  };
  beforeAll(async () => {
    group = await RedisSentinels.start();
    group.sentinels[0]?.halt();
  });
  afterEach(() => applications.splice(0).forEach((application) => application.kill()));
  afterAll(() => group.stop());
  /** On whichever of the two is master: on a busy machine sentinels may have taken it for dead. */
  const onBoth = (name: string, ...args: string[]): Promise<unknown[]> =>
    Promise.all([group.master, group.replica].map((server) => server.command(name, ...args)));
  /** How the application speaks: it tells the versions of ioredis apart. */
  const dialects = async (): Promise<string[]> => {
    const clients = (await onBoth('CLIENT', 'LIST')).join('\n').split('\n');
    const ours = clients.filter((line) => line.includes(`name=${NAME} `));
    return [...new Set(ours.map((line) => /resp=./.exec(line)?.[0] ?? ''))];
  };

  describe.each([5, 6] as const)('ioredis %i', (version) => {
    it.each([
      ['one level, encrypted', { isEncrypted: true }],
      ['two levels', { isTiered: true }],
    ])(
      'A67: the next is asked at a start and after connections were killed, and the process ends (%s)',
      async (_, more) => {
        const clientOptions = { connectionName: NAME };
        const options = { sentinels: group.addresses, name: MASTER_NAME, clientOptions };
        const application = start({ version, options, ...more });
        expect(await application.started(LOADING_MS)).toBeLessThan(5_000);
        await until('what is stored is found', () => application.isHit(), 10_000);
        expect(await dialects()).toEqual([version === 5 ? 'resp=2' : 'resp=3']);
        for (let round = 0; round < 3; round++) {
          await onBoth('CLIENT', 'KILL', 'TYPE', 'normal');
          await until('it is found again', () => application.isHit(), 10_000);
        }
        await application.close(10_000);
        expect(application.printed).toBe('');
      },
    );

    it('A67: where all of them hang the start is over in bounded time, and the process ends', async () => {
      for (const sentinel of group.sentinels) sentinel.halt();
      try {
        // Much longer than this test waits for the process to end.
        const times = { connectTimeout: '2m', startTimeout: '1s' } as const;
        const options = { sentinels: group.addresses, name: MASTER_NAME, ...times };
        const application = start({ version, isEncrypted: true, options });
        expect(await application.started(LOADING_MS)).toBeLessThan(5_000);
        await application.close(10_000);
        expect(application.printed).toBe('');
      } finally {
        for (const sentinel of group.sentinels.slice(1)) sentinel.resume();
      }
    });

    it('A67: of one that is gone, on which failovers are listened for, nothing is printed', async () => {
      const [, , gone] = group.sentinels;
      await gone?.kill();
      try {
        const application = start({ version, options: { sentinels: group.addresses, name: MASTER_NAME } });
        await application.started(LOADING_MS);
        await until('what is stored is found', () => application.isHit(), 10_000);
        await application.close(10_000);
        expect(application.printed).toBe('');
      } finally {
        await gone?.begin();
      }
    });
  });
});
