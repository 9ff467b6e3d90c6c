/** Clients of our own: what safety rests on no option can change, and a mistake in the address is told without it. */
import { mongo } from 'mongoose';
import { CacheConfigError } from '../../../core/errors.js';
import { problemOf } from './errors.js';
import type { ResolvedMongoOptions } from '../options.js';

const LONGEST_SELECTION_MS = 1_000;
/** A server that is gone is noticed within twice this. */
const HEARTBEAT_MS = 2_000;
const SHORTEST_SILENCE_MS = 5_000;

/** @throws CacheConfigError when the driver cannot make anything of the address */
export function openClient(uri: string, options: ResolvedMongoOptions, connections: number): mongo.MongoClient {
  const { clientOptions, connectTimeoutMs, guard } = options;
  try {
    return new mongo.MongoClient(uri, {
      appName: 'scoped-cache',
      ...clientOptions,
      maxPoolSize: connections,
      connectTimeoutMS: connectTimeoutMs,
      serverSelectionTimeoutMS: Math.min(connectTimeoutMs, LONGEST_SELECTION_MS),
      waitQueueTimeoutMS: guard.timeoutMs,
      socketTimeoutMS: Math.max(SHORTEST_SILENCE_MS, 4 * guard.timeoutMs),
      heartbeatFrequencyMS: HEARTBEAT_MS,
      monitorCommands: false,
    });
  } catch (error) {
    // The driver's message may quote the address, and is not passed on.
    const too = Object.keys(clientOptions).length === 0 ? '' : ', or an option of `clientOptions`';
    throw new CacheConfigError(
      'mongo.uri',
      `is refused by the driver${too} (${problemOf(error)}): it looks like mongodb://user:password@host:27017/database, with what is special in user and password percent-encoded`,
    );
  }
}
