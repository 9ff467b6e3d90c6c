import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ADMIN_TURN_MS, freePort, RedisProcess, until } from './redis-process.js';

export const MASTER_NAME = 'mymaster';
/** How long a master may be silent before its sentinels look for another. */
export const DOWN_AFTER_MS = 800;
/**
 * How often sentinels tell each other who they are and ask servers for their role (seconds by default), and how long one
 * acts no more after it found itself held up: half a minute by default, and on a busy machine that happens.
 */
const SOON: readonly [string, number][] = [
  ['PUBLISH-PERIOD', 200],
  ['INFO-PERIOD', 300],
  ['ASK-PERIOD', 200],
  ['TILT-PERIOD', 1_000],
];

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
    const [replica, ...sentinels] = await Promise.all([
      RedisProcess.start({ config: { ...fast, replicaof: `127.0.0.1 ${master.port}` } }),
      ...Array.from({ length: 3 }, () => sentinelOf(master.port)),
    ]);
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
        ADMIN_TURN_MS,
      );
    }
    const isUp = async (): Promise<boolean> => String(await replica.command('INFO')).includes('master_link_status:up');
    await until('the replica is up to date', isUp, 20_000, ADMIN_TURN_MS);
    return group;
  }

  get addresses(): { readonly host: string; readonly port: number }[] {
    return this.sentinels.map(({ port }) => ({ host: '127.0.0.1', port }));
  }

  async promoted(): Promise<void> {
    const isMaster = async (): Promise<boolean> => (await this.replica.role()) === 'master';
    await until('the replica is master', isMaster, 45_000, ADMIN_TURN_MS);
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
  const sentinel = await RedisProcess.start({ port: await freePort(), args: [file, '--sentinel'], isSentinel: true });
  // Servers before Redis 7 keep their own times.
  for (const time of SOON) await sentinel.command('SENTINEL', 'DEBUG', ...time).catch(() => undefined);
  return sentinel;
}
