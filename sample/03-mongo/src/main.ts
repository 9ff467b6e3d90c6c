import { LevelsError, levelsFrom } from './levels.js';
import { NoMongoError, startMongo } from './start/mongo-server.js';
import { startApp } from './start/start-app.js';

const port = Number(process.env['PORT'] ?? 3003);

try {
  const levels = levelsFrom();
  const mongo = await startMongo();
  const { app, url } = await startApp(mongo.url, port, levels);
  console.log(`
  MongoDB: ${mongo.url}${levels === 'tiered' ? ', under memory' : ''}

  curl -sw '\\n' --oauth2-bearer acme-alice ${url}/products/anvil
  curl -sw '\\n' --oauth2-bearer globex-gina ${url}/products/anvil
  curl -sw '\\n' --oauth2-bearer acme-bob ${url}/products/anvil/price -X PATCH -H 'Content-Type: application/json' -d '{"price": 99}'
`);
  let isStopping = false;
  const stop = (): void => {
    if (isStopping) return;
    isStopping = true;
    void app
      .close()
      .then(() => mongo.stop())
      .then(() => process.exit());
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
} catch (error) {
  if (!(error instanceof NoMongoError || error instanceof LevelsError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
