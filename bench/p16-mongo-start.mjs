/** What a process asks of MongoDB before its first load: npm run bench -- p16, with an older build beside it --before. */
import { createHash } from 'node:crypto';
import assert from 'node:assert/strict';
import { median, summary } from './harness/stats.mjs';
import { fixed, percent } from './harness/table.mjs';
import { withMongo } from './mongo-server.mjs';

export const about = {
  title: 'A start on MongoDB',
  question:
    'How many commands does a process send before its first load, on an empty collection and on one where it ran before, and how long ' +
    'does the start take? Counted by the command events of the driver, with encryption by one key and the name of the application. ' +
    'Times are from the options to an application that has started, in turn, in one process that has loaded everything.',
  packages: ['mongoose', '@nestjs/core'],
};

const ROUNDS = 21;
const MOST_COMMANDS = 12;
const QUIET_MS = 50;
const DOORS = [
  'nestjs-scoped-cache',
  ...(process.env.BENCH_BEFORE === undefined ? [] : ['nestjs-scoped-cache-before']),
];

export async function run(report) {
  await withMongo(async (kind) => {
    const starts = await Promise.all(DOORS.map(startsOf));
    const rows = starts.map((_, at) => ({
      name: DOORS[at].replace('-before', ', before'),
      first: {},
      later: {},
      ms: [],
    }));
    for (let round = 0; round < ROUNDS; round++) {
      for (const [at, start] of starts.entries()) {
        const collection = `start_${at}_${round}`;
        const first = await start(collection);
        const later = await start(collection);
        // The very first one makes everything warm.
        if (round === 0) continue;
        rows[at].first = first.commands;
        rows[at].later = later.commands;
        rows[at].ms.push(later.ms);
      }
    }
    report.table(
      `commands before the first load, and the time of a start, on ${kind}`,
      [
        ['', 'first start', 'later one', 'ms', 'spread'],
        ...rows.map(({ name, first, later, ms }) => [
          name,
          total(first),
          total(later),
          fixed(median(ms)),
          percent(summary(ms).spread),
        ]),
      ],
      rows,
    );
    report.note(`The commands of a first start: ${JSON.stringify(rows[0].first)}.`);
    report.target('commands of a first start', total(rows[0].first), { most: MOST_COMMANDS });
    report.target('commands of a later start', total(rows[0].later), { most: MOST_COMMANDS });
  });
}

/** Starts an application on a collection and ends it, and answers what it has asked. */
async function startsOf(door) {
  await import('reflect-metadata');
  const { Module } = await import('@nestjs/common');
  const { NestFactory } = await import('@nestjs/core');
  const { createConnection } = await import('mongoose');
  const { CacheModule, CacheService } = await import(door);
  const { mongo } = await import(`${door}/mongo`);
  const keys = [{ id: 'k1', secret: createHash('sha256').update('a start').digest('base64') }];
  return async (collection) => {
    const connection = createConnection(process.env.BENCH_MONGO_URL, { monitorCommands: true });
    await connection.asPromise();
    const commands = {};
    connection.getClient().on('commandStarted', ({ commandName }) => {
      commands[commandName] = (commands[commandName] ?? 0) + 1;
    });
    class AppModule {}
    const startedAt = process.hrtime.bigint();
    const backend = mongo({ connection, collection, timeout: '5s' });
    Module({ imports: [CacheModule.forRoot({ backend, app: 'bench', codec: { encryption: { keys } } })] })(AppModule);
    const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
    const ms = Number(process.hrtime.bigint() - startedAt) / 1e6;
    // What nothing waits for: the index, and the mark of the application.
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
    const asked = { ...commands };
    assert.equal(await app.get(CacheService).getOrSet('k', () => 1), 1);
    await app.close();
    await connection.close();
    return { commands: asked, ms };
  };
}

function total(commands) {
  return Object.values(commands).reduce((sum, count) => sum + count, 0);
}
