import { randomBytes } from 'node:crypto';
import { Database } from '../database/database.js';
import { AppProcess } from './app-process.js';
import { RedisServer } from './redis-server.js';

export interface Everything {
  readonly database: Database;
  readonly one: AppProcess;
  readonly two: AppProcess;
  /** Undefined: somebody's server is used (REDIS_URL), which is not ours to kill. */
  readonly redis: RedisServer | undefined;
  readonly redisUrl: string;
  stop(): Promise<void>;
}

/** A Redis, a database, and two processes of the application on both. @throws NoRedisError saying what to do */
export async function startEverything(ports: readonly [number, number]): Promise<Everything> {
  const given = process.env['REDIS_URL'] ?? '';
  const redis = given === '' ? await RedisServer.start() : undefined;
  const redisUrl = redis?.url ?? given;
  const database = new Database();
  // The database begins anew with every start, so the cache does too.
  const prefix = `sample-${randomBytes(4).toString('hex')}`;
  const settings = { CACHE_BACKEND: 'redis', CACHE_URL: redisUrl, CACHE_PREFIX: prefix };
  const processes: AppProcess[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(processes.map((each) => each.stop()));
    await redis?.stop();
  };
  try {
    for (const [at, port] of ports.entries()) {
      processes.push(await AppProcess.start(`process ${at + 1}`, { ...settings, PORT: String(port) }, database));
    }
  } catch (error) {
    await stop();
    throw error;
  }
  const [one, two] = processes as [AppProcess, AppProcess];
  return { database, one, two, redis, redisUrl, stop };
}
