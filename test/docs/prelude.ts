/**
 * What the snippets of README and docs may use without saying where it comes from: an imagined application. Never run.
 * Names that a snippet declares itself count over these.
 */
import type { INestApplication } from '@nestjs/common';
import type { BackendFactory, BackendParts, CacheService, ScopedCache } from 'nestjs-scoped-cache';
import type { KeyId } from 'nestjs-scoped-cache/backend';
import type { ContractHarness } from 'nestjs-scoped-cache/testing';

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
export declare const url: string;
export declare const uri: string;
export declare const projectId: string;
export declare const userId: string;
export declare const job: { readonly tenantId: string; readonly reportId: string };
export declare const queue: { add(work: unknown): Promise<void> };
/** A backend of one's own, its parts, and what stands in it. */
export declare function fileStore(options: { readonly folder: string }): BackendFactory;
export declare const parts: BackendParts;
export declare const harness: ContractHarness;
export declare const ids: readonly KeyId[];
