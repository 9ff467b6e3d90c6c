/**
 * What the snippets of README and docs may use without saying where it comes from: an imagined application. Never run.
 * Names that a snippet declares itself count over these.
 */
import type { INestApplication } from '@nestjs/common';
import type { BackendFactory, CacheService, ScopedCache } from 'nestjs-scoped-cache';

export interface Cat {
  readonly id: string;
  readonly name: string;
  readonly ownerId: string;
  readonly updatedAt: Date;
}

export interface Report {
  readonly id: string;
  readonly projectId: string;
  readonly status: 'running' | 'finished';
  readonly rows: readonly number[];
}

export interface Order {
  readonly id: string;
  readonly tenantId: string;
  readonly total: number;
}

export interface Dashboard {
  readonly title: string;
}

/** Where the applications of the snippets have their data. */
export declare class CatsRepository {
  find(id: string): Promise<Cat>;
  findAll(filter?: object): Promise<Cat[]>;
  save(cat: Cat): Promise<Cat>;
  remove(id: string): Promise<void>;
}

export declare class ReportsRepository {
  find(id: string): Promise<Report>;
  make(projectId: string, month: string, signal?: AbortSignal): Promise<Report>;
  unfinished(): Promise<Report[]>;
}

export declare class CatsService {
  findOne(id: string): Promise<Cat>;
  rename(id: string, name: string): Promise<Cat>;
}

export declare class AppModule {}

export declare const app: INestApplication;
export declare const cache: CacheService;
export declare const scoped: ScopedCache;
export declare const cats: CatsRepository;
export declare const reports: ReportsRepository;
export declare const id: string;
export declare const cat: Cat;
export declare function fetchRate(currency: string): Promise<number>;
export declare function myBackend(): BackendFactory;
