/** What snippets import as a file of the application. Never run. */
export { AppModule, CatsService } from './prelude.js';
