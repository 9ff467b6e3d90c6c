/** An application with either cache: started for one line of the guide, closed behind it. */
import type { INestApplication, ModuleMetadata, Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import supertest from 'supertest';

export class Apps {
  private readonly open: INestApplication[] = [];

  async start(metadata: ModuleMetadata): Promise<INestApplication> {
    const module = await Test.createTestingModule(metadata).compile();
    const app = module.createNestApplication({ logger: false });
    this.open.push(app);
    return app.init();
  }

  /** What a provider of an application is. */
  async get<T>(metadata: ModuleMetadata, token: Type<T> | string | symbol): Promise<T> {
    return (await this.start(metadata)).get<T>(token, { strict: false });
  }

  /** The answers to requests, one after the other, as their readers see them. */
  async ask(metadata: ModuleMetadata, ...paths: readonly string[]): Promise<readonly unknown[]> {
    const server = supertest((await this.start(metadata)).getHttpServer() as never);
    const answers: unknown[] = [];
    for (const path of paths) answers.push((await server.get(path).expect(200)).body);
    return answers;
  }

  async close(): Promise<void> {
    for (const app of this.open.splice(0).reverse()) await app.close();
  }
}
