/** What people read about trouble with a connection: a word, and nothing of the address. */
import { expect, it } from '@jest/globals';
import { problemOf } from '../../../lib/backends/redis.errors.js';

const named = (name: string, message: string, more: object = {}): Error =>
  Object.assign(new Error(message), { name, ...more });

it.each([
  [named('Error', 'Connection is closed.'), 'connection lost'],
  [named('MaxRetriesPerRequestError', 'Reached the max retries per request limit (which is 0).'), 'connection lost'],
  [named('Error', 'connect ECONNREFUSED 10.0.0.1:6379', { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
  [named('ReplyError', 'WRONGPASS invalid username-password pair'), 'WRONGPASS'],
  [named('TypeError', 'of redis://:secret@host'), 'TypeError'],
  ['text', 'unknown problem'],
])('%p', (error, problem) => {
  expect(problemOf(error)).toBe(problem);
});
