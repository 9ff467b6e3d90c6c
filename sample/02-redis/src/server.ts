/** One of the two processes. Started by start/everything.ts, which is also its database. */
import { startApp } from '../../01-quick-start/src/create-app.js';
import { AppModule } from './app.module.js';

const port = Number(process.env['PORT'] ?? 0);

try {
  const { app, url } = await startApp(port, AppModule);
  process.send?.({ kind: 'ready', url });
  // Whoever started this is gone.
  process.once('disconnect', () => void app.close());
} catch (error) {
  if ((error as { code?: string }).code !== 'EADDRINUSE') throw error;
  console.error(`Port ${port} is in use. Choose two others: PORT=${port + 1} npm run start:redis`);
  process.exit(1);
}
