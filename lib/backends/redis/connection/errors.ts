import { types } from 'node:util';
import { BackendError, CacheError } from '../../../core/errors.js';
import { RefusedError } from '../../shared/refused.error.js';

/** First words of answers that mean: not now, or not here. Everything else that a server says is its last word. */
const ABSENT: ReadonlySet<string> = new Set([
  'LOADING',
  'READONLY',
  'MASTERDOWN',
  'CLUSTERDOWN',
  'TRYAGAIN',
  'BUSY',
  'NOAUTH',
  'WRONGPASS',
  'MOVED',
  'ASK',
  'NOREPLICAS',
  'MISCONF',
  'UNKILLABLE',
]);
/** What of a message is worth repeating. Redis quotes arguments after these words, and scripts their source. */
const QUOTED = / ?(with args beginning|script: |user_script|on @).*$/s;
const LONGEST_MESSAGE = 160;
/** Answers to a connection, not to a call. */
const WORD = /^(WRONGPASS|NOAUTH|NOPERM|LOADING|READONLY|ERR max number of clients|ERR DB index is out of range)/;
/** What ioredis answers to commands that were waiting when a connection ended, or came when there was none. */
const LOST = /^(Connection is closed\.|Stream isn't writeable)/;
/** What ioredis says of a question of its own, or of a sentinel's, that got no answer. Its name is no more than `Error`. */
const SILENT = /^Command timed out$/;
/** What the first question of ioredis meets where a server was told to know no INFO. It goes no further. */
const NO_INFO = /^ERR unknown command '?`?info\b/i;
/** What ioredis 6, and 5, says of bytes that no Redis sends. Their names would be no more than `Error`. */
const FOREIGN = /^(Unknown RESP type|Protocol error, got)/;

/** An error of the driver as one of ours. Theirs carry the command with all its arguments, values among them. */
export function redisError(error: unknown): CacheError {
  if (error instanceof CacheError) return error;
  // Native errors of another realm are no instances of ours.
  const message = types.isNativeError(error) ? error.message : '';
  const said = message.replace(QUOTED, '').slice(0, LONGEST_MESSAGE);
  const isSaid = isReply(error);
  const word = /^[A-Z]+(?= |$)/.exec(message)?.[0];
  const cause = new Error(isSaid ? said : problemOf(error));
  if (isSaid && (word === undefined || !ABSENT.has(word))) {
    return new RefusedError('a call', 'redis', { why: said, cause });
  }
  return new BackendError('a call', 'redis', { why: word ?? problemOf(error), cause });
}

/** What went wrong with a connection, without the address or credentials that may stand in the message. */
export function problemOf(error: unknown): string {
  if (!types.isNativeError(error)) return 'unknown problem';
  const word = WORD.exec(error.message)?.[0];
  const { code } = error as NodeJS.ErrnoException;
  if (word !== undefined || typeof code === 'string') return word ?? (code as string);
  if (error.message.startsWith('All sentinels are unreachable')) return problemOfSentinels(error.message);
  if (NO_INFO.test(error.message)) return 'the server knows no INFO';
  if (FOREIGN.test(error.message)) return 'no answer of a Redis; is this its port?';
  if (SILENT.test(error.message)) return 'no answer in time';
  if (error.name === 'ClusterAllFailedError') return 'no node of the cluster answers';
  return LOST.test(error.message) || error.name === 'MaxRetriesPerRequestError' ? 'connection lost' : error.name;
}

/** ioredis mentions the last thing that went wrong with one of them, unless all have answered. */
function problemOfSentinels(message: string): string {
  const [, problem] = /Last error: (.*)/s.exec(message) ?? [];
  if (problem === undefined || problem.startsWith('ERR No such master')) return 'no sentinel knows the master';
  const word = WORD.exec(problem)?.[0];
  return `no sentinel answers${word === undefined ? '' : `: ${word}`}`;
}

/** Whether a server said so, and not the driver. */
export function isReply(error: unknown): error is Error {
  return types.isNativeError(error) && error.name === 'ReplyError';
}

/** Whether the first word of what a server said is this one. */
export function saysWord(error: unknown, word: string): boolean {
  return types.isNativeError(error) && error.message.startsWith(word);
}
