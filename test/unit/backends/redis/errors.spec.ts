/** What people read about trouble with a connection: a word, and nothing of the address. */
import { expect, it } from '@jest/globals';
import { problemOf } from '../../../../lib/backends/redis/connection/errors.js';

const named = (name: string, message: string, more: object = {}): Error =>
  Object.assign(new Error(message), { name, ...more });

it.each([
  [named('Error', 'Connection is closed.'), 'connection lost'],
  [named('MaxRetriesPerRequestError', 'Reached the max retries per request limit (which is 0).'), 'connection lost'],
  [named('Error', 'connect ECONNREFUSED 10.0.0.1:6379', { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
  [named('ReplyError', 'WRONGPASS invalid username-password pair'), 'WRONGPASS'],
  [named('TypeError', 'of redis://:secret@host'), 'TypeError'],
  // A web server, say: ioredis 6, and 5.
  [named('Error', 'Unknown RESP type 72 "H". Please report this.'), 'no answer of a Redis; is this its port?'],
  [named('ParserError', 'Protocol error, got "H" as reply type byte'), 'no answer of a Redis; is this its port?'],
  [named('Error', "Stream isn't writeable and enableOfflineQueue options is false"), 'connection lost'],
  // A server that takes the connection and answers nothing: ioredis 6, and 5.
  [named('Error', 'Command timed out'), 'no answer in time'],
  [named('ClusterAllFailedError', 'Failed to refresh slots cache.'), 'no node of the cluster answers'],
  [
    named('Error', 'All sentinels are unreachable. Retrying from scratch. Last error: Connection is closed.'),
    'no sentinel answers',
  ],
  [
    named('Error', 'All sentinels are unreachable. Retrying from scratch. Last error: WRONGPASS invalid username'),
    'no sentinel answers: WRONGPASS',
  ],
  [named('Error', 'All sentinels are unreachable. Retrying from scratch after 10ms.'), 'no sentinel knows the master'],
  ['text', 'unknown problem'],
])('%p', (error, problem) => {
  expect(problemOf(error)).toBe(problem);
});
