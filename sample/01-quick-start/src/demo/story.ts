import { setTimeout as sleep } from 'node:timers/promises';
import type { CacheStats } from 'nestjs-scoped-cache';
import type { Dashboard } from '../dashboard/dashboard.service.js';
import type { Report } from '../reports/report.js';
import type { Project } from '../source/companies.js';
import type { Stage } from './stage.js';

const REPORT_TTL_MS = 5_000;

type Figures = Pick<CacheStats, 'hits' | 'stale' | 'size'>;

const nameOf = ({ name }: Project): string => name;
const namesOf = (projects: readonly Project[]): string => projects.map(nameOf).join(', ');
const hoursOf = ({ hours }: Report): string => `${hours} hours`;

/** The whole story, in order: later chapters rest on what earlier ones have stored. */
export async function play(stage: Stage): Promise<void> {
  await slowThenFast(stage);
  await everyCompanyItsOwn(stage);
  await oneQuestionForMany(stage);
  const storedAtMs = performance.now();
  await updatesAreSeenAtOnce(stage);
  await invalidatedMeansGone(stage);
  await mineOursEverybodys(stage);
  await counting(stage);
  await oldAtOnceNewBehind(stage, storedAtMs + REPORT_TTL_MS);
  await forgetting(stage);
}

async function slowThenFast(stage: Stage): Promise<void> {
  const { alice, bob } = stage;
  stage.chapter(
    'Slow, then fast',
    '@Cacheable on ProjectsService.findOne: the source takes 400 ms, the cache does not.',
  );
  await stage.step('Alice opens project 1', () => alice.get<Project>('/projects/1'), {
    cache: 'miss',
    asks: 1,
    show: nameOf,
    is: 'Rocket skates',
  });
  await stage.step('Alice opens it again', () => alice.get<Project>('/projects/1'), {
    cache: 'hit',
    asks: 0,
    show: nameOf,
    is: 'Rocket skates',
  });
  await stage.step('Bob, of the same company, opens it', () => bob.get<Project>('/projects/1'), {
    cache: 'hit',
    asks: 0,
    show: nameOf,
    is: 'Rocket skates',
  });
}

async function everyCompanyItsOwn(stage: Stage): Promise<void> {
  const { alice, gina, stranger } = stage;
  stage.chapter('Every company its own', 'The tenant is part of every key, and comes from the verified token.');
  await stage.step('Gina of Globex opens project 1', () => gina.get<Project>('/projects/1'), {
    cache: 'miss',
    asks: 1,
    show: nameOf,
    is: 'Weather machine',
  });
  await stage.step('Gina says "X-Tenant: acme"', () => gina.get<Project>('/projects/1', { 'x-tenant': 'acme' }), {
    cache: 'hit',
    asks: 0,
    show: nameOf,
    is: 'Weather machine',
  });
  await stage.step('Somebody without a token asks', () => stranger.get('/projects/1'), { status: 401, asks: 0 });
  await stage.step('A project that is not there', () => alice.get('/projects/9'), { status: 404, asks: 1 });
  await stage.step('… is looked for again: errors are not stored', () => alice.get('/projects/9'), {
    status: 404,
    asks: 1,
  });
}

async function oneQuestionForMany(stage: Stage): Promise<void> {
  const { alice, bob } = stage;
  stage.chapter(
    'One question for many',
    'Whoever asks for the same thing while it is being loaded waits for that load.',
  );
  const asks = await stage.asksDuring(() =>
    Promise.all(Array.from({ length: 50 }, (_, at) => (at % 2 === 0 ? alice : bob).get<Report>('/reports/2/2026-01'))),
  );
  stage.check('50 requests at once, of Alice and Bob', asks, 1, 'the source was asked once');
}

async function updatesAreSeenAtOnce(stage: Stage): Promise<void> {
  const { alice, bob, gina } = stage;
  stage.chapter('Updates are seen at once', '@CachePut stores the new project, @CacheEvict drops what lists it.');
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
  await stage.step('Bob opens it', () => bob.get<Project>('/projects/1'), {
    cache: 'hit',
    asks: 0,
    show: nameOf,
    is: 'Jet skates',
  });
  await stage.step('Bob lists the projects', () => bob.get<Project[]>('/projects'), {
    cache: 'miss',
    asks: 1,
    show: namesOf,
    is: 'Jet skates, Giant magnet',
  });
  await stage.step('Alice archives project 2', () => alice.post('/projects/2/archive'), { cache: 'invalidated' });
  await stage.step('Bob lists the projects', () => bob.get<Project[]>('/projects'), {
    cache: 'miss',
    show: namesOf,
    is: 'Jet skates',
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
  stage.chapter('Invalidated means gone', 'Also what was being loaded at that moment: it is answered, but not stored.');
  const early = alice.get<Report>('/reports/1/2026-01');
  await sleep(100);
  await stage.step(
    'While a report is being made, Bob books 8 h',
    () => bob.post('/projects/1/hours/2026-01', { hours: 8 }),
    {
      cache: 'invalidated',
    },
  );
  await stage.step('The report that began before', () => early, { cache: 'miss', show: hoursOf, is: '12 hours' });
  await stage.step('The next one was not served from it', () => alice.get<Report>('/reports/1/2026-01'), {
    cache: 'miss',
    asks: 1,
    show: hoursOf,
    is: '20 hours',
  });
  await stage.step('… and is stored', () => bob.get<Report>('/reports/1/2026-01'), {
    cache: 'hit',
    asks: 0,
    show: hoursOf,
    is: '20 hours',
  });
}

async function mineOursEverybodys(stage: Stage): Promise<void> {
  const { alice, bob, gina } = stage;
  stage.chapter("Mine, ours, everybody's", "@CacheScope('user') for dashboards; exchange rates say global() openly.");
  const tasks = { show: (dashboard: Dashboard) => dashboard.tasks.join(', ') };
  await stage.step("Alice's dashboard", () => alice.get<Dashboard>('/dashboard'), { ...tasks, is: 'Order wheels' });
  await stage.step("Bob's dashboard", () => bob.get<Dashboard>('/dashboard'), { ...tasks, is: 'Wind the coil' });
  await stage.step("Alice's dashboard again", () => alice.get<Dashboard>('/dashboard'), {
    cache: 'hit',
    asks: 0,
    ...tasks,
    is: 'Order wheels',
  });
  await stage.step('Alice asks for the dollar', () => alice.get<number>('/rates/usd'), { cache: 'miss', asks: 1 });
  await stage.step('Gina of Globex asks for the dollar', () => gina.get<number>('/rates/usd'), {
    cache: 'hit',
    asks: 0,
    show: String,
    is: '1.08',
  });
}

async function counting(stage: Stage): Promise<void> {
  const { alice, bob } = stage;
  stage.chapter('Counting', 'increment() sets the number and the end of its minute in one step.');
  for (const count of ['1', '2', '3']) {
    await stage.step(`Alice starts export ${count}`, () => alice.post<{ export: string }>('/reports/exports'), {
      status: 201,
      show: (data) => data.export,
      is: `${count} of 3 this minute`,
    });
  }
  await stage.step('Alice starts one too many', () => alice.post('/reports/exports'), { status: 429 });
  await stage.step('Bob has a counter of his own', () => bob.post<{ export: string }>('/reports/exports'), {
    status: 201,
    show: (data) => data.export,
    is: '1 of 3 this minute',
  });
}

async function oldAtOnceNewBehind(stage: Stage, expiresAtMs: number): Promise<void> {
  const { alice, bob } = stage;
  stage.chapter(
    'Old at once, new behind it',
    'The report from above has passed its ttl of 5 s, within staleWhileRevalidate.',
  );
  await sleep(Math.max(0, expiresAtMs - performance.now()) + 50);
  const old = await stage.step('Alice opens the old report', () => alice.get<Report>('/reports/2/2026-01'), {
    cache: 'stale',
  });
  await sleep(600);
  const renewed = await stage.step('Bob gets the one made meanwhile', () => bob.get<Report>('/reports/2/2026-01'), {
    cache: 'hit',
    asks: 0,
  });
  stage.check('It is a newer one', renewed.data.madeAt > old.data.madeAt, true, 'made while nobody waited');
}

async function forgetting(stage: Stage): Promise<void> {
  const { alice, gina } = stage;
  stage.chapter('Forgetting', 'clear() is for one company, at once, however much it has.');
  await stage.step("Acme's figures", () => alice.get<Figures>('/stats'), {
    show: ({ hits, stale, size }) => `${hits} hits, ${stale} stale, ${size} entries`,
  });
  await stage.step('Alice clears what Acme has', () => alice.delete<{ removed: number }>('/cache'), {
    cache: 'invalidated',
    show: ({ removed }) => `${removed} entries`,
  });
  await stage.step('Project 1 of Acme is loaded again', () => alice.get<Project>('/projects/1'), {
    cache: 'miss',
    asks: 1,
    show: nameOf,
    is: 'Jet skates',
  });
  await stage.step('Project 1 of Globex is still there', () => gina.get<Project>('/projects/1'), {
    cache: 'hit',
    asks: 0,
    show: nameOf,
    is: 'Weather machine',
  });
}
