import { startApp } from './create-app.js';
import { Stage, StoryError } from './demo/stage.js';
import { play } from './demo/story.js';
import { Visitor } from './demo/visitor.js';
import { SlowSource } from './source/slow-source.js';

const startedAtMs = performance.now();
const { app, url } = await startApp(0);
const stage = new Stage(
  new Visitor('Alice', url, 'acme-alice'),
  new Visitor('Bob', url, 'acme-bob'),
  new Visitor('Gina', url, 'globex-gina'),
  new Visitor('somebody', url, undefined),
  app.get(SlowSource, { strict: false }),
);

console.log('\n  Acme (Alice, Bob) and Globex (Gina) in one process, over real HTTP.');
try {
  await play(stage);
  console.log(
    `\n  ${stage.count} steps, all as promised, in ${((performance.now() - startedAtMs) / 1000).toFixed(1)} s.\n`,
  );
} catch (error) {
  if (!(error instanceof StoryError)) throw error;
  console.error(`\n  The demo failed: ${error.message}\n`);
  process.exitCode = 1;
} finally {
  await app.close();
}
