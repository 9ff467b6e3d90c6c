import { setTimeout as sleep } from 'node:timers/promises';
import type { Stage } from '../../../01-quick-start/src/demo/stage.js';
import type { Visitor } from '../../../01-quick-start/src/demo/visitor.js';
import type { Report } from '../../../01-quick-start/src/reports/report.js';
import type { Project } from '../../../01-quick-start/src/source/companies.js';
import type { RedisServer } from '../start/redis-server.js';

const BACK_WITHIN_MS = 10_000;

const nameOf = ({ name }: Project): string => name;
const namesOf = (projects: readonly Project[]): string => projects.map(nameOf).join(', ');
const hoursOf = ({ hours }: Report): string => `${hours} hours`;

/**
 * The whole story, in order: later chapters rest on what earlier ones have stored.
 * @param aliceElsewhere Alice, asking the second process
 * @param redis undefined: not ours to kill
 */
export async function play(stage: Stage, aliceElsewhere: Visitor, redis: RedisServer | undefined): Promise<void> {
  await oneCache(stage);
  await oneLoader(stage);
  await forgottenEverywhere(stage);
  await invalidatedMeansGone(stage);
  await countedTogether(stage, aliceElsewhere);
  if (redis === undefined) console.log('\n  REDIS_URL is given, so the chapter in which Redis is killed is left out.');
  else await neverTheOutage(stage, redis);
}

async function oneCache(stage: Stage): Promise<void> {
  const { alice, bob, gina } = stage;
  stage.chapter('One cache for both', 'What the first process has loaded, the second one has.');
  await stage.step('Alice opens project 1', () => alice.get<Project>('/projects/1'), {
    cache: 'miss',
    asks: 1,
    show: nameOf,
    is: 'Rocket skates',
  });
  await stage.step('Bob opens it in the other process', () => bob.get<Project>('/projects/1'), {
    cache: 'hit',
    asks: 0,
    show: nameOf,
    is: 'Rocket skates',
  });
  await stage.step('Gina of Globex opens her project 1 there', () => gina.get<Project>('/projects/1'), {
    cache: 'miss',
    asks: 1,
    show: nameOf,
    is: 'Weather machine',
  });
}

async function oneLoader(stage: Stage): Promise<void> {
  const { alice, bob } = stage;
  stage.chapter('One loader for both', 'The lease stands on the server: one loads, everybody else waits for that.');
  const asks = await stage.asksDuring(() =>
    Promise.all(Array.from({ length: 50 }, (_, at) => (at % 2 === 0 ? alice : bob).get<Report>('/reports/2/2026-01'))),
  );
  stage.check('50 requests at once, 25 to each process', asks, 1, 'the source was asked once');
}

async function forgottenEverywhere(stage: Stage): Promise<void> {
  const { alice, bob, gina } = stage;
  stage.chapter('Forgotten here, forgotten there', '@CachePut and @CacheEvict in one process count in every process.');
  await stage.step('Bob lists the projects', () => bob.get<Project[]>('/projects'), {
    cache: 'miss',
    show: namesOf,
    is: 'Rocket skates, Giant magnet',
  });
  await stage.step('Alice renames project 1', () => alice.patch<Project>('/projects/1', { name: 'Jet skates' }), {
    cache: 'invalidated',
    show: nameOf,
    is: 'Jet skates',
  });
  await stage.step('Bob opens it: the new one is stored', () => bob.get<Project>('/projects/1'), {
    cache: 'hit',
    asks: 0,
    show: nameOf,
    is: 'Jet skates',
  });
  await stage.step('Bob lists the projects: the list was dropped', () => bob.get<Project[]>('/projects'), {
    cache: 'miss',
    asks: 1,
    show: namesOf,
    is: 'Jet skates, Giant magnet',
  });
  await stage.step("Gina's project 1 was not touched", () => gina.get<Project>('/projects/1'), {
    cache: 'hit',
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
  await stage.step('The report that began before', () => early, { cache: 'miss', show: hoursOf, is: '12 hours' });
  await stage.step('Bob was not served from it', () => bob.get<Report>('/reports/1/2026-01'), {
    cache: 'miss',
    asks: 1,
    show: hoursOf,
    is: '20 hours',
  });
  await stage.step('… and what he got is stored for Alice', () => alice.get<Report>('/reports/1/2026-01'), {
    cache: 'hit',
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
  await stage.step('Alice opens project 1', () => alice.get<Project>('/projects/1'), {
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

/** How long it takes until answers come from the cache again. */
async function untilHit(visitor: Visitor): Promise<number> {
  const startedAtMs = performance.now();
  while (performance.now() - startedAtMs < BACK_WITHIN_MS) {
    if ((await visitor.get('/projects/1')).cache === 'hit') break;
  }
  return performance.now() - startedAtMs;
}
