/** The pages of docs/reference, from the docstrings: `npm run docs:reference`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../pages.js';
import { pagesOfReference } from './reference.js';

for (const [path, text] of await pagesOfReference()) writeFileSync(join(ROOT, path), text);
