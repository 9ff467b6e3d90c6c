/** DTOs as Nest's own ValidationPipe makes them, and whole objects of routes: keys by their own properties, over HTTP. */
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Module,
  Param,
  Post,
  Query,
  ValidationPipe,
  type INestApplication,
} from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, ValidateNested } from 'class-validator';
import { Cacheable, CacheEvict, CacheModule, memory, type BackendFactory } from '../../lib/index.js';
import { redis } from '../../lib/redis.js';
import { randomPrefix } from '../support/redis/redis-process.js';
import { describeOnRedis } from '../support/redis/require-redis.js';
import { KeptLog } from './support/quiet.js';

// Real servers on a machine that may be busy.
jest.setTimeout(30_000);

class RangeDto {
  @IsInt()
  @Type(() => Number)
  from!: number;
}

class ListDto {
  @IsOptional()
  @IsInt()
  @Type(() => Number)
  declare page?: number;

  @IsOptional()
  @IsIn(['name', 'age'])
  declare sort?: string;

  get offset(): number {
    return (this.page ?? 0) * 10;
  }
}

class SearchDto extends ListDto {
  @IsOptional()
  @ValidateNested()
  @Type(() => RangeDto)
  range?: RangeDto;

  @IsOptional()
  @ValidateNested({ each: true })
  @Type(() => RangeDto)
  ranges?: RangeDto[];
}

class IdDto {
  @IsInt()
  @Type(() => Number)
  id!: number;
}

let runs = 0;

@Controller('cats')
class CatsController {
  @Get()
  @Cacheable()
  async list(@Query() query: ListDto): Promise<object> {
    return { offset: query.offset, isDto: query instanceof ListDto, run: ++runs };
  }

  @Post('search')
  @HttpCode(200)
  @Cacheable()
  async search(@Body() search: SearchDto): Promise<object> {
    return { isDto: search.range instanceof RangeDto, run: ++runs };
  }

  @Get('whole/:id')
  @Cacheable()
  async whole(@Param() params: object, @Query() query: object): Promise<object> {
    return { params, query, run: ++runs };
  }

  @Get(':id')
  @Cacheable()
  async one(@Param() { id }: IdDto): Promise<object> {
    return { id, run: ++runs };
  }

  @Delete(':id')
  @CacheEvict({ method: 'one' })
  async remove(@Param() _params: IdDto): Promise<void> {
    await Promise.resolve();
  }
}

const FRAMEWORKS = {
  Express: () => new ExpressAdapter(),
  Fastify: () => new FastifyAdapter(),
};
type Framework = keyof typeof FRAMEWORKS;
type Answer = Readonly<Record<string, unknown>>;

class Served {
  private constructor(
    readonly app: INestApplication,
    readonly log: KeptLog,
    private readonly url: string,
  ) {}

  static async by(framework: Framework, backend: BackendFactory, prefix: string): Promise<Served> {
    @Module({ imports: [CacheModule.forRoot({ backend, prefix })], controllers: [CatsController] })
    class AppModule {}
    const log = new KeptLog();
    const module = await Test.createTestingModule({ imports: [AppModule] })
      .setLogger(log)
      .compile();
    const app = module.createNestApplication<INestApplication>(FRAMEWORKS[framework]());
    app.useGlobalPipes(new ValidationPipe({ transform: true, whitelist: true }));
    await app.listen(0, '127.0.0.1');
    const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();
    return new Served(app, log, `http://127.0.0.1:${port}`);
  }

  readonly get = (path: string): Promise<Answer> => this.ask(path, {});
  readonly search = (body: object): Promise<Answer> =>
    this.ask('cats/search', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });

  /** Its status. */
  async remove(path: string): Promise<number> {
    return (await fetch(`${this.url}/${path}`, { method: 'DELETE' })).status;
  }

  private async ask(path: string, init: RequestInit): Promise<Answer> {
    const response = await fetch(`${this.url}/${path}`, init);
    const answer = await response.text();
    if (response.status !== 200) throw new Error(`${path}: ${response.status} ${answer}`);
    return JSON.parse(answer) as Answer;
  }
}

/** Asks one application, and the other for what the first has loaded. */
function proveDtos(one: () => Served, other: () => Served): void {
  const alike = async (ask: (it: Served) => Promise<Answer>): Promise<Answer> => {
    const first = await ask(one());
    expect(await ask(other())).toEqual(first);
    return first;
  };

  it('DTOs of queries are keys by what the pipe made of them, empty ones too', async () => {
    const answers = [
      await alike(({ get }) => get('cats')),
      await alike(({ get }) => get('cats?page=1')),
      await alike(({ get }) => get('cats?page=1&sort=age')),
    ];
    expect(answers.map(({ offset, isDto }) => [offset, isDto])).toEqual([
      [0, true],
      [10, true],
      [10, true],
    ]);
    expect(new Set(answers.map(({ run }) => run)).size).toBe(3);
    expect(await other().get('cats?sort=age&page=01&unknown=1')).toEqual(answers[2]);
  });

  it('so are DTOs inside of others, one or many', async () => {
    const bodies = [{}, { range: { from: 1 } }, { range: { from: '2' } }, { ranges: [{ from: 1 }] }];
    const answers: Answer[] = [];
    for (const body of bodies) answers.push(await alike(({ search }) => search(body)));
    expect(answers.map(({ isDto }) => isDto)).toEqual([false, true, true, false]);
    expect(new Set(answers.map(({ run }) => run)).size).toBe(bodies.length);
  });

  it('so are those of parameters, by which a route removes what another has stored', async () => {
    const first = await alike(({ get }) => get('cats/1'));
    const second = await alike(({ get }) => get('cats/2'));
    expect(await other().remove('cats/01')).toBe(200);
    const again = await alike(({ get }) => get('cats/1'));
    expect([first['id'], again['id'], again['run'] === first['run']]).toEqual([1, 1, false]);
    expect(await alike(({ get }) => get('cats/2'))).toEqual(second);
  });

  it('whole objects of queries and parameters are keys and results', async () => {
    const first = await alike(({ get }) => get('cats/whole/1?page=1'));
    expect(first).toMatchObject({ params: { id: '1' }, query: { page: '1' } });
    for (const path of ['cats/whole/2?page=1', 'cats/whole/1?page=2'])
      expect((await alike(({ get }) => get(path)))['run']).not.toBe(first['run']);
    for (const { log } of [one(), other()])
      expect(log.of('Cache').filter((line) => /^(warn|error)/.test(line))).toEqual([]);
  });
}

describe.each(['Express', 'Fastify'] as const)('on %s, in memory', (framework) => {
  let served: Served;
  beforeAll(async () => {
    served = await Served.by(framework, memory(), 'dtos');
  });
  afterAll(() => served.app.close());
  proveDtos(
    () => served,
    () => served,
  );
});

describeOnRedis('on Express and Fastify, on one Redis', (url) => {
  let both: Served[] = [];
  beforeAll(async () => {
    const prefix = randomPrefix();
    both = await Promise.all([
      Served.by('Express', redis({ url: url() }), prefix),
      Served.by('Fastify', redis({ url: url() }), prefix),
    ]);
  });
  afterAll(() => Promise.all(both.map(({ app }) => app.close())));
  proveDtos(
    () => both[0]!,
    () => both[1]!,
  );
});
