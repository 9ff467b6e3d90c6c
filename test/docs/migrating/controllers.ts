/** The routes of Nest's sample 20-cache, with either cache: each answer says how often the method has run. */
import { CacheInterceptor, CacheKey, CacheTTL } from '@nestjs/cache-manager';
import { Controller, Get, Injectable, Param, Post, UseInterceptors, type ExecutionContext } from '@nestjs/common';
import { Cacheable, CacheConfig } from 'nestjs-scoped-cache';

/** What a method answers, and the number of its run. */
interface Answer {
  readonly items: readonly string[];
  readonly run: number;
}

/** Leaves out one path, as the sample's own interceptor does. */
@Injectable()
export class HttpCacheInterceptor extends CacheInterceptor {
  override trackBy(context: ExecutionContext): string | undefined {
    const { url, method } = context.switchToHttp().getRequest<{ url: string; method: string }>();
    return method === 'GET' && url !== '/now' ? url : undefined;
  }
}

@Controller()
@UseInterceptors(HttpCacheInterceptor)
export class ControllerBefore {
  private runs = 0;

  @Get()
  findAll(): Answer {
    return this.answer('Nest');
  }

  @Get('items/:id')
  @CacheTTL(5_000)
  findOne(@Param('id') id: string): Answer {
    return this.answer(id);
  }

  @Get('named')
  @CacheKey('all items')
  named(): Answer {
    return this.answer('named');
  }

  @Get('now')
  now(): Answer {
    return this.answer('now');
  }

  @Post()
  add(): Answer {
    return this.answer('added');
  }

  private answer(...items: readonly string[]): Answer {
    return { items, run: ++this.runs };
  }
}

@Controller()
@CacheConfig({ ttl: null })
export class ControllerAfter {
  private runs = 0;

  @Get()
  @Cacheable()
  async findAll(): Promise<Answer> {
    return this.answer('Nest');
  }

  @Get('items/:id')
  @Cacheable('5s')
  async findOne(@Param('id') id: string): Promise<Answer> {
    return this.answer(id);
  }

  @Get('named')
  @Cacheable({ namespace: 'items', key: 'all items' })
  async named(): Promise<Answer> {
    return this.answer('named');
  }

  @Get('now')
  now(): Answer {
    return this.answer('now');
  }

  @Post()
  add(): Answer {
    return this.answer('added');
  }

  private answer(...items: readonly string[]): Answer {
    return { items, run: ++this.runs };
  }
}
