import { Stage, StoryError } from '../../01-quick-start/src/demo/stage.js';
import { Visitor } from '../../01-quick-start/src/demo/visitor.js';
import { play } from './demo/story.js';
import { startEverything } from './start/everything.js';
import { explain } from './start/explain.js';

const startedAtMs = performance.now();
const everything = await startEverything([0, 0]).catch(explain);

if (everything !== undefined) {
  const { levels, database, one, two, redis } = everything;
  const stage = new Stage(
    new Visitor('Alice', one.url, 'acme-alice'),
    new Visitor('Bob', two.url, 'acme-bob'),
    new Visitor('Gina', two.url, 'globex-gina'),
    new Visitor('somebody', one.url, undefined),
    database,
  );
  const where = levels === 'tiered' ? 'each with memory (L1) over one Redis (L2)' : 'on one Redis (L2)';
  console.log(`\n  Two processes, ${where}: Alice asks the first, Bob and Gina the second.`);
  try {
    await play(stage, { levels, redis, aliceElsewhere: new Visitor('Alice', two.url, 'acme-alice') });
    console.log(
      `\n  ${stage.count} steps, all as promised, in ${((performance.now() - startedAtMs) / 1000).toFixed(1)} s.\n`,
    );
  } catch (error) {
    if (!(error instanceof StoryError)) throw error;
    console.error(`\n  The demo failed: ${error.message}\n`);
    process.exitCode = 1;
  } finally {
    await everything.stop();
  }
}
