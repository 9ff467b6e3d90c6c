import { setTimeout as sleep } from 'node:timers/promises';
import type { Stage } from '../../../01-quick-start/src/demo/stage.js';
import type { Answer, Visitor } from '../../../01-quick-start/src/demo/visitor.js';
import type { Report } from '../../../01-quick-start/src/reports/report.js';
import type { Project } from '../../../01-quick-start/src/source/companies.js';
import type { Levels } from '../start/everything.js';
import type { RedisServer } from '../start/redis-server.js';

/** They take milliseconds. Without any, a copy would be believed for 5 s (`maxUnvalidated`), and the demo would fail. */
const NEWS_WITHIN_MS = 2_000;
const BACK_WITHIN_MS = 10_000;

const nameOf = ({ name }: Project): string => name;
const namesOf = (projects: readonly Project[]): string => projects.map(nameOf).join(', ');
const hoursOf = ({ hours }: Report): string => `${hours} hours`;

interface Cast {
  readonly levels: Levels;
  /** Alice, asking the second process. */
  readonly aliceElsewhere: Visitor;
  /** Undefined: not ours to kill. */
  readonly redis: RedisServer | undefined;
}

/** The whole story, in order: later chapters rest on what earlier ones have stored. */
export async function play(stage: Stage, { levels, aliceElsewhere, redis }: Cast): Promise<void> {
  // Where an entry is found by a process that has had it before.
  const near = levels === 'tiered' ? 'hit L1' : 'hit L2';
  await oneCache(stage, near);
  await oneLoader(stage);
  await forgottenEverywhere(stage, near);
  await invalidatedMeansGone(stage);
  await countedTogether(stage, aliceElsewhere);
  if (redis === undefined) console.log('\n  REDIS_URL is given, so the chapter in which Redis is killed is left out.');
  else await neverTheOutage(stage, redis);
}

async function oneCache(stage: Stage, near: string): Promise<void> {
  const { alice, bob, gina } = stage;
  const project = { show: nameOf, is: 'Rocket skates' };
  stage.chapter('One cache for both', 'What the first process has loaded, the second one has.');
  await stage.step('Alice opens project 1', () => alice.get<Project>('/projects/1'), {
    cache: 'loader',
    asks: 1,
    ...project,
  });
  await stage.step('Bob opens it in the other process', () => bob.get<Project>('/projects/1'), {
    cache: 'hit L2',
    asks: 0,
    ...project,
  });
  await stage.step('… and once more', () => whenNear(near, () => bob.get<Project>('/projects/1')), {
    cache: near,
    asks: 0,
    ...project,
  });
  await stage.step('Gina of Globex opens her project 1 there', () => gina.get<Project>('/projects/1'), {
    cache: 'loader',
    asks: 1,
    show: nameOf,
    is: 'Weather machine',
  });
}

async function oneLoader(stage: Stage): Promise<void> {
  const { alice, bob } = stage;
  stage.chapter('One loader for both', 'The lease stands on the server: one loads, everybody else waits for that.');
  const answers: Answer<Report>[] = [];
  const asks = await stage.asksDuring(() =>
    Promise.all(
      Array.from({ length: 50 }, async (_, at) => {
        answers.push(await (at % 2 === 0 ? alice : bob).get<Report>('/reports/2/2026-01'));
      }),
    ),
  );
  stage.check('50 requests at once, 25 to each process', asks, 1, 'the source was asked once');
  const loaders = answers.filter(({ cache }) => cache === 'loader').length;
  stage.check('… and one of them says that it has loaded', loaders, 1, 'the others waited for it');
  const made = new Set(answers.map(({ data }) => data.madeAt)).size;
  stage.check('… and all have got the same report', made, 1, 'made once');
}

async function forgottenEverywhere(stage: Stage, near: string): Promise<void> {
  const { alice, bob, gina } = stage;
  const lists = { show: namesOf, is: 'Rocket skates, Giant magnet' };
  stage.chapter(
    'Forgotten here, forgotten there',
    '@CachePut and @CacheEvict in one process count in every process: on the server at once, in memory when told.',
  );
  await stage.step('Bob lists the projects', () => bob.get<Project[]>('/projects'), { cache: 'loader', ...lists });
  await stage.step('… and once more', () => whenNear(near, () => bob.get<Project[]>('/projects')), {
    cache: near,
    asks: 0,
    ...lists,
  });
  await stage.step('… and opens project 1', () => whenNear(near, () => bob.get<Project>('/projects/1')), {
    cache: near,
    asks: 0,
    show: nameOf,
    is: 'Rocket skates',
  });
  await stage.step('Alice renames project 1', () => alice.patch<Project>('/projects/1', { name: 'Jet skates' }), {
    cache: 'invalidated',
    show: nameOf,
    is: 'Jet skates',
  });
  const renamedAtMs = performance.now();
  await stage.step('Bob opens it: the new one is stored', () => whenTold(() => bob.get<Project>('/projects/1')), {
    cache: 'hit L2',
    asks: 0,
    show: nameOf,
    is: 'Jet skates',
  });
  const toldMs = performance.now() - renamedAtMs;
  stage.check(
    'His process had forgotten the old one',
    toldMs < NEWS_WITHIN_MS,
    true,
    `in ${toldMs.toFixed(0)} ms or less`,
  );
  await stage.step(
    'Bob lists the projects: the list was dropped',
    () => whenTold(() => bob.get<Project[]>('/projects')),
    {
      cache: 'loader',
      asks: 1,
      show: namesOf,
      is: 'Jet skates, Giant magnet',
    },
  );
  await stage.step("Gina's project 1 was not touched", () => whenNear(near, () => gina.get<Project>('/projects/1')), {
    cache: near,
    asks: 0,
    show: nameOf,
    is: 'Weather machine',
  });
}

async function invalidatedMeansGone(stage: Stage): Promise<void> {
  const { alice, bob } = stage;
  stage.chapter(
    'Invalidated means gone, across processes',
    'Also what another process was loading at that moment: it is answered, but not stored.',
  );
  const early = alice.get<Report>('/reports/1/2026-01');
  await sleep(100);
  await stage.step(
    'While Alice waits for a report, Bob books 8 h',
    () => bob.post('/projects/1/hours/2026-01', { hours: 8 }),
    { cache: 'invalidated' },
  );
  await stage.step('The report that began before', () => early, { cache: 'loader', show: hoursOf, is: '12 hours' });
  await stage.step('Bob was not served from it', () => bob.get<Report>('/reports/1/2026-01'), {
    cache: 'loader',
    asks: 1,
    show: hoursOf,
    is: '20 hours',
  });
  await stage.step('… and what he got is stored for Alice', () => alice.get<Report>('/reports/1/2026-01'), {
    cache: 'hit L2',
    asks: 0,
    show: hoursOf,
    is: '20 hours',
  });
}

async function countedTogether(stage: Stage, aliceElsewhere: Visitor): Promise<void> {
  const { alice } = stage;
  stage.chapter('Counted together', 'increment() is one step on the server: a limit holds across processes.');
  for (const [at, who] of [alice, aliceElsewhere, alice].entries()) {
    await stage.step(
      `Alice starts export ${at + 1}, in process ${who === alice ? 1 : 2}`,
      () => who.post<{ export: string }>('/reports/exports'),
      { status: 201, show: (data) => data.export, is: `${at + 1} of 3 this minute` },
    );
  }
  await stage.step('One too many, in process 2', () => aliceElsewhere.post('/reports/exports'), { status: 429 });
}

async function neverTheOutage(stage: Stage, redis: RedisServer): Promise<void> {
  const { alice, bob } = stage;
  stage.chapter('The cache is never the outage', 'Redis is killed. Answers come from their source meanwhile.');
  await redis.kill();
  await stage.step('Alice opens project 1', () => whenTold(() => alice.get<Project>('/projects/1')), {
    cache: 'loader',
    asks: 1,
    show: nameOf,
    is: 'Jet skates',
  });
  await stage.step(
    'Bob books 2 h: who has forgotten is unknown',
    () => bob.post('/projects/1/hours/2026-01', { hours: 2 }),
    { status: 503 },
  );
  await redis.begin();
  const tookMs = await untilHit(bob);
  stage.check('Redis is back', true, true, `and used again after ${(tookMs / 1000).toFixed(1)} s`);
  await stage.step('The report has the hours booked meanwhile', () => alice.get<Report>('/reports/1/2026-01'), {
    show: hoursOf,
    is: '22 hours',
  });
}

/** The answer that comes from where a process has what it has read. News about a tenant can cost it its first copies. */
function whenNear<T>(near: string, ask: () => Promise<Answer<T>>): Promise<Answer<T>> {
  return askUntil(ask, ({ cache }) => cache === near);
}

/** The first answer that is not a copy in memory of the process that is asked. */
function whenTold<T>(ask: () => Promise<Answer<T>>): Promise<Answer<T>> {
  return askUntil(ask, ({ cache }) => cache !== 'hit L1');
}

/** Asks again until it is so; when that takes too long, the last answer, at which its step then fails. */
async function askUntil<T>(ask: () => Promise<Answer<T>>, isSo: (answer: Answer<T>) => boolean): Promise<Answer<T>> {
  const startedAtMs = performance.now();
  for (;;) {
    const answer = await ask();
    if (isSo(answer) || performance.now() - startedAtMs >= NEWS_WITHIN_MS) return answer;
    await sleep(1);
  }
}

/** How long it takes until answers come from the cache again. */
async function untilHit(visitor: Visitor): Promise<number> {
  const startedAtMs = performance.now();
  while (performance.now() - startedAtMs < BACK_WITHIN_MS) {
    if ((await visitor.get('/projects/1')).cache?.startsWith('hit') === true) break;
  }
  return performance.now() - startedAtMs;
}
