import type { INestApplication, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

/** The application, listening on this machine only. Port 0 is any free one. */
export async function startApp(
  port: number,
  module: Type<unknown> = AppModule,
): Promise<{ app: INestApplication; url: string }> {
  const app = await NestFactory.create(module, { logger: ['warn', 'error'], abortOnError: false });
  app.enableShutdownHooks();
  await app.listen(port, '127.0.0.1');
  return { app, url: await app.getUrl() };
}
