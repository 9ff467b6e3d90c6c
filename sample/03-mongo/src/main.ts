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

  curl ${url}/products/anvil -H 'Authorization: Bearer acme-alice'
  curl ${url}/products/anvil -H 'Authorization: Bearer globex-gina'
  curl ${url}/products/anvil/price -X PATCH -H 'Authorization: Bearer acme-bob' -H 'Content-Type: application/json' -d '{"price": 99}'
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
