/** Applications that are set up wrongly, and what is said of it. */
import type { Provider } from '@nestjs/common';
import { Logger } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { Cacheable, CacheModule, type CacheModuleOptions, CacheService } from '../../../../lib/index.js';
import { KeptLog } from '../../../e2e/support/quiet.js';

const open: TestingModule[] = [];

/** Ends what was started, after each test. */
export async function closeAll(): Promise<void> {
  for (const module of open.splice(0)) await module.close().catch(() => undefined);
}

/** What no message may repeat. */
export const SECRET = 'hunter2';

export interface Said {
  readonly when: 'class' | 'options' | 'start' | 'call' | 'warning';
  readonly text: string;
}

/** What is said of a set-up, and when; the application is started, and one call is made. */
export async function answer(
  options: () => CacheModuleOptions | Promise<CacheModuleOptions>,
  make: () => Provider[] = () => [],
  call: (module: TestingModule) => unknown = () => undefined,
): Promise<Said> {
  const log = new KeptLog();
  // What reads the environment speaks before there is an application.
  Logger.overrideLogger(log);
  let when: Said['when'] = 'options';
  try {
    const imports = [CacheModule.forRoot(await options())];
    when = 'class';
    const providers = make();
    when = 'start';
    const module = await Test.createTestingModule({ imports, providers }).setLogger(log).compile();
    open.push(module);
    await module.init();
    when = 'call';
    await call(module);
  } catch (error) {
    return { when, text: textOf(error) };
  }
  const warned = log.of('Cache').filter((line) => line.startsWith('warn'));
  return { when: 'warning', text: warned.join('\n') };
}

function textOf(error: unknown): string {
  const { message, hint = '' } = error as { readonly message: string; readonly hint?: string };
  return `${message} ${hint}`;
}

/** A class with one method under decorators, as JavaScript may apply them. */
export function classOf(...decorators: ((target: never, name: never, descriptor: never) => unknown)[]): Provider {
  class Cats {
    async find(id: string): Promise<string> {
      return id;
    }
  }
  const descriptor = Object.getOwnPropertyDescriptor(Cats.prototype, 'find') as PropertyDescriptor;
  for (const each of decorators.toReversed()) each(Cats.prototype as never, 'find' as never, descriptor as never);
  Object.defineProperty(Cats.prototype, 'find', descriptor);
  return { provide: 'cats', useFactory: () => new Cats() };
}
export const find = (module: TestingModule): unknown => module.get<{ find(id: unknown): unknown }>('cats').find('a');
export const cacheOf = (module: TestingModule): CacheService => module.get(CacheService);
export const none = (): CacheModuleOptions => ({});
export const as =
  (options: unknown): (() => CacheModuleOptions) =>
  () =>
    options as CacheModuleOptions;
export const decorated =
  (...options: unknown[]): (() => Provider[]) =>
  () => [classOf(...options.map((each) => Cacheable(each as never)))];

/** What is set up, of {@link answer}. */
export type SetUp = Parameters<typeof answer>;
