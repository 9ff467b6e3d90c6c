import { startApp } from './create-app.js';
import { guide } from './guide.js';

const port = Number(process.env['PORT'] ?? 3000);

try {
  const { url } = await startApp(port);
  console.log(guide(url));
} catch (error) {
  if ((error as { code?: string }).code !== 'EADDRINUSE') throw error;
  console.error(`Port ${port} is in use. Choose another: PORT=${port + 1} npm start`);
  process.exitCode = 1;
}
