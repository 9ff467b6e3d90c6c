/** What a handler returns is read after it has ended: bodies that are made while they are sent, and whose they are. */
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Injectable, Module, StreamableFile, type INestApplication } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import {
  Cacheable,
  CACHE_CONTEXT,
  CacheModule,
  CacheService,
  fromHeader,
  fromRequest,
  type CacheContext,
  type ScopeResolver,
} from '../../lib/index.js';
import { KeptLog } from './support/quiet.js';

@Injectable()
class RowsService {
  constructor(@Inject(CACHE_CONTEXT) private readonly context: CacheContext) {}

  @Cacheable('1m')
  async row(at: number): Promise<string> {
    return `${this.context.scope().tenant} ${at}\n`;
  }

  async *rows(): AsyncGenerator<string> {
    for (let at = 0; at < 3; at++) yield await this.row(at);
  }
}

@Controller()
class RowsController {
  constructor(
    private readonly service: RowsService,
    private readonly cache: CacheService,
    @Inject(CACHE_CONTEXT) private readonly context: CacheContext,
  ) {}

  @Get('rows')
  rows(): StreamableFile {
    return new StreamableFile(Readable.from(this.service.rows()));
  }

  @Get('rows-of-mine')
  rowsOfMine(): StreamableFile {
    return new StreamableFile(Readable.from(this.cache.runInScope(this.context.scope(), () => this.service.rows())));
  }
}

const adapters = { express: () => new ExpressAdapter(), fastify: () => new FastifyAdapter() };
const open: INestApplication[] = [];

afterEach(async () => {
  for (const app of open.splice(0)) await app.close();
});

/** Asks as both at once; what came, whole or not. */
async function ask(platform: keyof typeof adapters, resolve: ScopeResolver, path: string): Promise<string[]> {
  @Module({
    imports: [CacheModule.forRoot({ scope: { resolve } })],
    controllers: [RowsController],
    providers: [RowsService],
  })
  class RowsModule {}
  const built = await Test.createTestingModule({ imports: [RowsModule] })
    .setLogger(new KeptLog())
    .compile();
  const app = built.createNestApplication(adapters[platform]() as ExpressAdapter);
  open.push(app);
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  return Promise.all(
    ['acme', 'globex'].map(async (tenant) => {
      const answer = await fetch(`http://127.0.0.1:${port}/${path}`, { headers: { 'x-tenant': tenant } }).catch(
        () => undefined,
      );
      return (await answer?.text().catch(() => undefined)) ?? 'broken off';
    }),
  );
}

const reads = fromHeader('x-tenant', { trusted: true });
const asks = fromRequest((request: { headers: Record<string, string> }) => ({ tenant: request.headers['x-tenant'] }));
const WHOLE = ['acme 0\nacme 1\nacme 2\n', 'globex 0\nglobex 1\nglobex 2\n'];

describe.each(['express', 'fastify'] as const)('a stream on %s that is made while it is sent', (platform) => {
  it('has the scope of its request where the route enters it', async () => {
    expect(await ask(platform, reads, 'rows')).toEqual(WHOLE);
  });

  it('has it by runInScope behind the interceptor, too', async () => {
    expect(await ask(platform, asks, 'rows-of-mine')).toEqual(WHOLE);
  });

  it('fails there without it, and is nobody else’s', async () => {
    for (const came of await ask(platform, asks, 'rows')) expect(came).not.toMatch(/acme|globex/);
  });
});
