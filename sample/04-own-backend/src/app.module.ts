import { Module, type DynamicModule } from '@nestjs/common';
import { CacheModule, fromClaims } from 'nestjs-scoped-cache';
import { guarded } from 'nestjs-scoped-cache/backend';
import { AuthModule } from '../../01-quick-start/src/auth/auth.module.js';
import { fileStore } from './file-store/file-store.js';
import { ReportsModule } from './reports/reports.module.js';

@Module({})
export class AppModule {
  /** The application with its cache in a folder. */
  static at(folder: string): DynamicModule {
    return {
      module: AppModule,
      imports: [
        AuthModule,
        CacheModule.forRoot({
          // A disk that is full, or gone, costs the cache and not the answers.
          backend: guarded(fileStore({ folder })),
          scope: { resolve: fromClaims({ tenant: 'org', user: 'sub' }) },
        }),
        ReportsModule,
      ],
    };
  }
}
