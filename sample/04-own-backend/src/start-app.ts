import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

/** The application, listening on this machine only. Port 0 is any free one. */
export async function startApp(folder: string, port: number): Promise<{ app: INestApplication; url: string }> {
  const app = await NestFactory.create(AppModule.at(folder), { logger: ['warn', 'error'], abortOnError: false });
  app.enableShutdownHooks();
  await app.listen(port, '127.0.0.1');
  return { app, url: await app.getUrl() };
}
