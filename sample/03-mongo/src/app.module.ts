import { Module, type DynamicModule } from '@nestjs/common';
import { getConnectionToken, MongooseModule } from '@nestjs/mongoose';
import type { Connection } from 'mongoose';
import { CacheModule, fromClaims, memory, tiered, type BackendFactory } from 'nestjs-scoped-cache';
import { mongo } from 'nestjs-scoped-cache/mongo';
import { AuthModule } from '../../01-quick-start/src/auth/auth.module.js';
import { ProductsModule } from './products/products.module.js';
import { BELIEVED_MS, type Levels } from './levels.js';

@Module({})
export class AppModule {
  /** The application with its data, and its cache, at an address. */
  static at(url: string, levels: Levels): DynamicModule {
    return {
      module: AppModule,
      imports: [
        AuthModule,
        MongooseModule.forRoot(url),
        // The connection that the application has anyway. The cache keeps to a collection of its own, and never closes it.
        CacheModule.forRootAsync({
          inject: [getConnectionToken()],
          useFactory: (connection: Connection) => ({
            backend: backendOf(connection, levels),
            scope: { resolve: fromClaims({ tenant: 'org', user: 'sub' }) },
          }),
        }),
        ProductsModule,
      ],
    };
  }
}

/** What it takes to have memory in front: another level, over the same. */
function backendOf(connection: Connection, levels: Levels): BackendFactory {
  const l2 = mongo({ connection });
  return levels === 'mongo' ? l2 : tiered({ l1: memory(), l2, maxUnvalidated: BELIEVED_MS });
}
