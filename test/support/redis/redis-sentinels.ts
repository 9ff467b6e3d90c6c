import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, RedisProcess, until } from './redis-process.js';

export const MASTER_NAME = 'mymaster';
/** How long a master may be silent before its sentinels look for another. */
export const DOWN_AFTER_MS = 800;

/** A master, a replica, and three sentinels that watch them. */
export class RedisSentinels {
  private constructor(
    readonly master: RedisProcess,
    readonly replica: RedisProcess,
    readonly sentinels: readonly RedisProcess[],
  ) {}

  static async start(): Promise<RedisSentinels> {
    const fast = { 'repl-ping-replica-period': 1, 'repl-diskless-sync-delay': 0, 'repl-timeout': 5 };
    const master = await RedisProcess.start({ config: fast });
    const replica = await RedisProcess.start({ config: { ...fast, replicaof: `127.0.0.1 ${master.port}` } });
    const sentinels = await Promise.all(Array.from({ length: 3 }, () => sentinelOf(master.port)));
    const group = new RedisSentinels(master, replica, sentinels);
    for (const sentinel of sentinels) {
      await until(
        'the sentinels know each other and the replica',
        async () => {
          const facts = (await sentinel.command('SENTINEL', 'MASTER', MASTER_NAME)) as string[];
          const of = (name: string): number => Number(facts[facts.indexOf(name) + 1]);
          return of('num-slaves') >= 1 && of('num-other-sentinels') >= 2;
        },
        20_000,
      );
    }
    await until('the replica is up to date', async () =>
      String(await replica.command('INFO')).includes('master_link_status:up'),
    );
    return group;
  }

  get addresses(): { readonly host: string; readonly port: number }[] {
    return this.sentinels.map(({ port }) => ({ host: '127.0.0.1', port }));
  }

  async promoted(): Promise<void> {
    await until('the replica is master', async () => (await this.replica.role()) === 'master', 45_000);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.sentinels, this.master, this.replica].map((node) => node.stop()));
  }
}

/** One that says that the master is there. */
export async function sentinelOf(masterPort: number): Promise<RedisProcess> {
  const dir = await mkdtemp(join(tmpdir(), 'scoped-cache-redis-'));
  const file = join(dir, 'sentinel.conf');
  await writeFile(
    file,
    [
      `sentinel monitor ${MASTER_NAME} 127.0.0.1 ${masterPort} 2`,
      `sentinel down-after-milliseconds ${MASTER_NAME} ${DOWN_AFTER_MS}`,
      `sentinel failover-timeout ${MASTER_NAME} 3000`,
      '',
    ].join('\n'),
  );
  return RedisProcess.start({ port: await freePort(), args: [file, '--sentinel'], isSentinel: true });
}
