import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApp } from './start-app.js';

const folder = process.env['CACHE_FOLDER'] ?? join(tmpdir(), 'sample-own-backend');
const { url } = await startApp(folder, Number(process.env['PORT'] ?? 3005));

console.log(`
  The cache is in ${folder}: what is there, the next start finds.

  curl ${url}/reports/1 -H 'Authorization: Bearer acme-alice'
  curl ${url}/reports -X DELETE -H 'Authorization: Bearer acme-alice'
`);
