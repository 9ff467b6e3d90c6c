import { Module } from '@nestjs/common';
import { ConfigModule, type ConfigType } from '@nestjs/config';
import { APP_FILTER } from '@nestjs/core';
import { CacheModule, fromClaims } from 'nestjs-scoped-cache';
import { cacheConfigWith } from 'nestjs-scoped-cache/config';
import { redis } from 'nestjs-scoped-cache/redis';
import { AuthModule } from '../../01-quick-start/src/auth/auth.module.js';
import { DashboardModule } from '../../01-quick-start/src/dashboard/dashboard.module.js';
import { ProjectsModule } from '../../01-quick-start/src/projects/projects.module.js';
import { RatesModule } from '../../01-quick-start/src/rates/rates.module.js';
import { ReportsModule } from '../../01-quick-start/src/reports/reports.module.js';
import { StatsController } from '../../01-quick-start/src/stats/stats.controller.js';
import { RequestTrace } from '../../01-quick-start/src/trace/request-trace.js';
import { SharedCompaniesModule } from './database/shared-companies.module.js';
import { InvalidationUnknownFilter } from './invalidation-unknown.filter.js';
import { LevelTraceModule } from './trace/level-trace.module.js';

/**
 * CACHE_BACKEND, CACHE_URL, CACHE_PREFIX and the others; the import of `redis` is what Redis costs an application.
 * `tiered` makes `tiered({ l1: memory(…), l2: redis(…) })` of them, and `redis` what is below it alone.
 */
const config = cacheConfigWith({ redis });

/** The application of sample 01: what is another here is where its entries live, and where its companies do. */
@Module({
  imports: [
    AuthModule,
    CacheModule.forRootAsync({
      imports: [ConfigModule.forFeature(config), LevelTraceModule],
      inject: [config.KEY, RequestTrace],
      useFactory: (fromEnvironment: ConfigType<typeof config>, trace: RequestTrace) => ({
        ...fromEnvironment,
        scope: { resolve: fromClaims({ tenant: 'org', user: 'sub' }) },
        observers: [trace.observe],
      }),
    }),
    SharedCompaniesModule,
    ProjectsModule,
    ReportsModule,
    DashboardModule,
    RatesModule,
  ],
  controllers: [StatsController],
  providers: [{ provide: APP_FILTER, useClass: InvalidationUnknownFilter }],
})
export class AppModule {}
