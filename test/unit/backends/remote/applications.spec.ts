/** What is problems about the marks of other applications, whichever server they lie on. */
import { describe, expect, it } from '@jest/globals';
import { applicationMark } from '../../../../lib/core/application-marks.js';
import type { Application } from '../../../../lib/core/application.js';
import { MAX_MARKS, ServerApplications } from '../../../../lib/backends/remote/applications.js';

const of = (environment: string, ...names: string[]): Application => ({ environment, names });

/** Meets what lies on a server, one connection after the other. */
async function meeting(
  own: Application | undefined,
  ...connections: readonly (readonly unknown[] | Error)[]
): Promise<string[]> {
  const problems: string[] = [];
  const applications = new ServerApplications({ application: own, prefix: 'cache' }, (problem) =>
    problems.push(problem),
  );
  for (const marks of connections)
    await applications.meet(async () => {
      if (marks instanceof Error) throw marks;
      return marks;
    });
  return problems;
}

const api = of('production', 'api');
const marks = (...others: Application[]): string[] => others.map(applicationMark);

describe('marks of other applications', () => {
  it('are told of once, with both names and what to write', async () => {
    const there = marks(api, of('production', 'worker'));
    const problems = await meeting(api, there, there, there);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain('"cache"');
    expect(problems[0]).toContain('"worker" (environment "production")');
    expect(problems[0]).toContain('"api" (environment "production")');
    expect(problems[0]).toContain('app: ["api", "worker"]');
  });

  it('of another environment are told of, and no list is offered for them', async () => {
    const [problems] = await meeting(api, marks(of('staging', 'api')));
    expect(problems).toMatch(/"staging".*"production"/);
    expect(problems).toContain('environments must not share one');
    expect(problems).not.toContain('app:');
  });

  it('say nothing when they are its own, belong to it, or are none', async () => {
    const both = of('production', 'api', 'worker');
    expect(await meeting(both, marks(both, api, of('production', 'worker')), ['x', 5, undefined])).toEqual([]);
  });

  it('are not looked at by an application that is not known', async () => {
    expect(await meeting(undefined, marks(api))).toEqual([]);
  });

  it('that cannot be read are asked for again with the next connection, and nothing fails', async () => {
    expect(await meeting(api, new Error('NOPERM'), marks(of('production', 'worker')))).toHaveLength(1);
  });

  it('are bounded: of a server that is full of them, and over many connections', async () => {
    const others = (from: number): string[] =>
      marks(...Array.from({ length: 100 }, (_, at) => of('p', `a${from + at}`)));
    expect(await meeting(api, others(0))).toHaveLength(MAX_MARKS);
    const connections = Array.from({ length: 20 }, (_, at) => others(100 * at));
    expect(await meeting(api, ...connections)).toHaveLength(4 * MAX_MARKS);
  });
});
