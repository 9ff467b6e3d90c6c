import { Module } from '@nestjs/common';
import { CacheModule, fromClaims } from 'nestjs-scoped-cache';
import { AuthModule } from './auth/auth.module.js';
import { DashboardModule } from './dashboard/dashboard.module.js';
import { ProjectsModule } from './projects/projects.module.js';
import { RatesModule } from './rates/rates.module.js';
import { ReportsModule } from './reports/reports.module.js';
import { StatsController } from './stats/stats.controller.js';
import { RequestTrace } from './trace/request-trace.js';
import { TraceModule } from './trace/trace.module.js';

@Module({
  imports: [
    AuthModule,
    // `forRoot({ scope: … })` is enough; the factory is here because this sample shows what the cache does.
    CacheModule.forRootAsync({
      imports: [TraceModule],
      inject: [RequestTrace],
      useFactory: (trace: RequestTrace) => ({
        // Who is asking, from claims that the guard has proven. From here on every key has a tenant in it.
        scope: { resolve: fromClaims({ tenant: 'org', user: 'sub' }) },
        observers: [trace.observe],
      }),
    }),
    ProjectsModule,
    ReportsModule,
    DashboardModule,
    RatesModule,
  ],
  controllers: [StatsController],
})
export class AppModule {}
