import { types } from 'node:util';
import { BackendError, CacheError } from '../../../core/errors.js';
import { RefusedError } from '../../shared/refused.error.js';

/**
 * What a server says that means: not now, or not here. Everything else that it says is its last word. A reason has a number
 * and a name; of several changes that were sent together only the number is told.
 */
const ABSENT: ReadonlyMap<number, string> = new Map([
  [6, 'HostUnreachable'],
  [7, 'HostNotFound'],
  [89, 'NetworkTimeout'],
  [91, 'ShutdownInProgress'],
  [189, 'PrimarySteppedDown'],
  [262, 'ExceededTimeLimit'],
  [9_001, 'SocketException'],
  [10_107, 'NotWritablePrimary'],
  [11_600, 'InterruptedAtShutdown'],
  [11_602, 'InterruptedDueToReplStateChange'],
  [13_435, 'NotPrimaryNoSecondaryOk'],
  [13_436, 'NotPrimaryOrSecondary'],
  [50, 'MaxTimeMSExpired'],
  [64, 'WriteConcernFailed'],
  [100, 'UnsatisfiableWriteConcern'],
  [112, 'WriteConflict'],
  [24, 'LockTimeout'],
  [133, 'FailedToSatisfyReadPreference'],
  [43, 'CursorNotFound'],
  [134, 'ReadConcernMajorityNotAvailableYet'],
  [13_388, 'StaleConfig'],
  [18, 'AuthenticationFailed'],
  [11_601, 'Interrupted'],
  [175, 'QueryPlanKilled'],
  [237, 'CursorKilled'],
  [355, 'InterruptedDueToStorageChange'],
  [453, 'InterruptedDueToReshardingCriticalSection'],
  // A router that does not reach a shard in time, or does not know where it is.
  [202, 'NetworkInterfaceExceededTimeLimit'],
  [407, 'PooledConnectionAcquisitionExceededTimeLimit'],
  [450, 'PooledConnectionAcquisitionRejected'],
  [150, 'StaleEpoch'],
  [249, 'StaleDbVersion'],
  [343, 'ShardCannotRefreshDueToLocksHeld'],
  // A server that has too much to do.
  [46, 'LockBusy'],
  [365, 'TemporarilyUnavailable'],
  [402, 'ResourceExhausted'],
  [433, 'AdmissionQueueOverflow'],
  [449, 'RateLimitExceeded'],
  [462, 'IngressRequestRateLimitExceeded'],
]);
const DUPLICATE_KEY = 11_000;
const WRITE_CONFLICT = 112;
const DEEPEST_CAUSE = 5;

/** What the driver knows about servers of which none would do. */
interface Chosen {
  readonly servers: ReadonlyMap<string, { readonly error?: unknown }>;
}

interface ServerError extends Error {
  readonly code?: unknown;
  readonly codeName?: unknown;
  readonly errorLabels?: unknown;
}

/** An error of the driver as one of ours. Theirs quote filters and documents, values among them; only names are kept. */
export function mongoError(error: unknown): CacheError {
  if (error instanceof CacheError) return error;
  // Native errors of another realm are no instances of ours.
  if (!types.isNativeError(error)) return new BackendError('a call', 'mongo', { why: 'unknown problem' });
  const { name, code, codeName } = error as ServerError;
  const named = typeof codeName === 'string' && /^\w{1,60}$/.test(codeName) ? codeName : undefined;
  const said = named ?? ABSENT.get(code as number);
  const cause = new Error(said === undefined ? name : `${name}: ${said}`);
  if (isLastWord(error)) return new RefusedError('a call', 'mongo', { why: said ?? name, cause });
  return new BackendError('a call', 'mongo', { why: said ?? name, cause });
}

/**
 * Why there is no server, in one word: what the driver quotes is the address. It wraps the reason several times, and
 * where it chose among servers, the reason is with each of them.
 */
export function problemOf(error: unknown): string {
  let deepest: unknown = error;
  for (let depth = 0; depth < DEEPEST_CAUSE; depth++) {
    const { cause, reason } = deepest as { readonly cause?: unknown; readonly reason?: Partial<Chosen> | null };
    const inner = Array.from(reason?.servers?.values() ?? []).find((server) => server.error != null)?.error ?? cause;
    if (!types.isNativeError(inner)) break;
    deepest = inner;
  }
  if (!types.isNativeError(deepest)) return 'unknown problem';
  const { code, codeName, name } = deepest as ServerError;
  return [codeName, code].find((word): word is string => typeof word === 'string' && /^\w{1,60}$/.test(word)) ?? name;
}

/** Another document has this name already: two created it at once, or what was asked of the one that is there is not so. */
export function isDuplicate(error: unknown): boolean {
  return types.isNativeError(error) && (error as ServerError).code === DUPLICATE_KEY;
}

/** Two writes met at one document, and this one was not carried out: the server is there, and would do it another time. */
export function isConflict(error: unknown): boolean {
  return types.isNativeError(error) && (error as ServerError).code === WRITE_CONFLICT;
}

function isLastWord(error: Error): boolean {
  const { name, code, errorLabels } = error as ServerError;
  if (!/^Mongo(Server|BulkWrite)Error$/.test(name)) return false;
  // Of changes that were sent together the driver wraps whatever went wrong. What no server has said has no number.
  if (typeof code === 'number' ? ABSENT.has(code) : name === 'MongoBulkWriteError') return false;
  return !(Array.isArray(errorLabels) && errorLabels.some((label) => /Retryable|Transient/.test(String(label))));
}

/** The call waited for a connection in vain, so no server has heard of it. */
export function isNotSent(error: unknown): boolean {
  return types.isNativeError(error) && error.name === 'MongoWaitQueueTimeoutError';
}
