import { guide } from './guide.js';
import { startEverything } from './start/everything.js';
import { explain } from './start/explain.js';

const port = Number(process.env['PORT'] ?? 3001);

try {
  const everything = await startEverything([port, port + 1], { REQUEST_LINES: 'true' });
  console.log(guide(everything));
  let isStopping = false;
  const stop = (): void => {
    if (isStopping) return;
    isStopping = true;
    void everything.stop().then(() => process.exit());
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
} catch (error) {
  explain(error);
}
