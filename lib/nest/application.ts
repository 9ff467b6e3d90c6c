/** What this process is called, for servers that other applications and environments may use too. */
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { isApplicationName, isEnvironmentName, MAX_APPLICATIONS, type Application } from '../core/application.js';
import { CacheConfigError } from '../core/errors.js';

/** Folders looked into above the main script. */
const MAX_FOLDERS = 64;

export interface ApplicationOptions {
  readonly app?: string | readonly string[] | undefined;
  readonly environment?: string | undefined;
}

/**
 * @param main the script the process was started with; undefined where there is none
 * @throws CacheConfigError naming the option
 */
export function resolveApplication(
  { app, environment }: ApplicationOptions,
  env: NodeJS.ProcessEnv,
  main: string | undefined = process.argv[1],
): Application {
  return Object.freeze({
    names: Object.freeze(app === undefined ? [packageName(main)].filter(isApplicationName) : namesOf(app, 'app')),
    environment: environment === undefined ? nodeEnv(env) : environmentOf(environment, 'environment'),
  });
}

/** @throws CacheConfigError naming the option, or the variable */
export function namesOf(app: unknown, option: string): readonly string[] {
  const names: readonly unknown[] = Array.isArray(app) ? app : [app];
  if (names.length > 0 && names.length <= MAX_APPLICATIONS && names.every(isApplicationName))
    return [...new Set(names)];
  throw new CacheConfigError(
    option,
    `must be the name of an application or a list of 1 to ${MAX_APPLICATIONS}, each of at most 214 visible ASCII characters`,
  );
}

/** @throws CacheConfigError naming the option, or the variable */
export function environmentOf(environment: unknown, option: string): string {
  if (isEnvironmentName(environment) && environment !== '') return environment;
  throw new CacheConfigError(option, 'must be 1 to 64 printable ASCII characters');
}

function nodeEnv(env: NodeJS.ProcessEnv): string {
  const found = env['NODE_ENV'] ?? '';
  return isEnvironmentName(found) ? found : '';
}

/**
 * The name in the `package.json` nearest to a script. One without a name only says which kind of JavaScript lies around it.
 */
function packageName(main: string | undefined): string | undefined {
  if (main === undefined || main === '') return undefined;
  // What was started may be a folder itself.
  let folder = resolve(main);
  for (let tries = MAX_FOLDERS; tries > 0; tries--) {
    const name = nameIn(folder);
    if (name !== undefined) return name;
    const above = dirname(folder);
    if (above === folder) return undefined;
    folder = above;
  }
  return undefined;
}

function nameIn(folder: string): string | undefined {
  try {
    const { name } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name?: unknown };
    return typeof name === 'string' && name !== '' ? name : undefined;
  } catch {
    // None there, or none that can be read: then the next one above is the nearest.
    return undefined;
  }
}
