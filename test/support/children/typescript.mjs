// Lets a child process run the sources as they are: `node --import ./typescript.mjs child.mjs`.
import { register } from 'node:module';

register('./typescript.hooks.mjs', import.meta.url);
