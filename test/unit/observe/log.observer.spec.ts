import { describe, expect, it } from '@jest/globals';
import { BackendError, UnansweredError } from '../../../lib/core/errors.js';
import { logObserver } from '../../../lib/observe/log.observer.js';

function linesOf(...errors: Error[]): string[] {
  const lines: string[] = [];
  const keep = (line: string): number => lines.push(line);
  let nowMs = 0;
  const observer = logObserver(
    { log: keep, warn: keep },
    () => (nowMs += 20_000),
    () => false,
  );
  for (const error of errors)
    observer({ type: 'error', operation: 'refresh', namespace: 'pets', width: 'tenant', error });
  return lines;
}

describe('the log line of a failure', () => {
  it('repeats what the library says', () => {
    const [line] = linesOf(new BackendError('read', 'redis'));
    expect(line).toContain('refresh failed in namespace "pets"');
    expect(line).toContain('redis');
  });

  it('C26: names the error of an application, but does not repeat its message: it may quote a value', () => {
    const error = new TypeError('no card 4111 1111');
    expect(linesOf(error)).toEqual(['refresh failed in namespace "pets": TypeError was thrown.']);
  });

  it('is left out for calls that nobody answered: the backend says once that it is away', () => {
    expect(linesOf(new UnansweredError('read', 'ECONNREFUSED', 'redis'))).toEqual([]);
  });

  it('comes once in half a minute for errors of one kind', () => {
    const down = (): Error => new BackendError('read', 'redis');
    expect(linesOf(down(), down(), down())).toHaveLength(2);
  });
});
