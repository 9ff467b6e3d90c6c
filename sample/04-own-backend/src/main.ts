import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApp } from './start-app.js';

const folder = process.env['CACHE_FOLDER'] ?? join(tmpdir(), 'sample-own-backend');
const { url } = await startApp(folder, Number(process.env['PORT'] ?? 3005));

console.log(`
  The cache is in ${folder}: what is there, the next start finds. Paste the first line twice, stop with Ctrl+C,
  start again, and paste it once more: the report was made once. The second line drops the reports of Acme.

  curl -sw '\\n' --oauth2-bearer acme-alice ${url}/reports/1
  curl -sw '\\n' --oauth2-bearer acme-alice ${url}/reports -X DELETE
`);
