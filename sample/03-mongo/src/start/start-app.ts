import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from '../app.module.js';
import type { Levels } from '../levels.js';

/** The application, listening on this machine only. Port 0 is any free one. */
export async function startApp(
  mongoUrl: string,
  port: number,
  levels: Levels,
): Promise<{ app: INestApplication; url: string }> {
  const module = AppModule.at(mongoUrl, levels);
  const app = await NestFactory.create(module, { logger: ['warn', 'error'], abortOnError: false });
  app.enableShutdownHooks();
  await app.listen(port, '127.0.0.1');
  return { app, url: await app.getUrl() };
}
