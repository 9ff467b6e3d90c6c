import { randomBytes } from 'node:crypto';
import { Database } from '../database/database.js';
import { AppProcess, StartError } from './app-process.js';
import { RedisServer } from './redis-server.js';

/** What CACHE_BACKEND may say here: memory over Redis, or Redis alone. */
export type Levels = 'tiered' | 'redis';

export interface Everything {
  readonly levels: Levels;
  readonly database: Database;
  readonly one: AppProcess;
  readonly two: AppProcess;
  /** Undefined: somebody's server is used (REDIS_URL), which is not ours to kill. */
  readonly redis: RedisServer | undefined;
  readonly redisUrl: string;
  stop(): Promise<void>;
}

/**
 * A Redis, a database, and two processes of the application on both.
 * @param more further environment variables of the two
 * @throws NoRedisError, StartError saying what to do
 */
export async function startEverything(
  ports: readonly [number, number],
  more: Readonly<Record<string, string>> = {},
): Promise<Everything> {
  const levels = levelsFromEnvironment();
  const given = process.env['REDIS_URL'] ?? '';
  const redis = given === '' ? await RedisServer.start() : undefined;
  const redisUrl = redis?.url ?? given;
  const database = new Database();
  // The database begins anew with every start, so the cache does too.
  const prefix = `sample-${randomBytes(4).toString('hex')}`;
  const settings = { ...more, CACHE_BACKEND: levels, CACHE_URL: redisUrl, CACHE_PREFIX: prefix };
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
  return { levels, database, one, two, redis, redisUrl, stop };
}

function levelsFromEnvironment(): Levels {
  const levels = process.env['CACHE_BACKEND'] ?? 'tiered';
  if (levels === 'tiered' || levels === 'redis') return levels;
  throw new StartError('This sample runs with CACHE_BACKEND=tiered (as without it) or CACHE_BACKEND=redis.');
}
