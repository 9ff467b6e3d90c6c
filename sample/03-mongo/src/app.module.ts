import { Module, type DynamicModule } from '@nestjs/common';
import { getConnectionToken, MongooseModule } from '@nestjs/mongoose';
import type { Connection } from 'mongoose';
import { CacheModule, fromClaims } from 'nestjs-scoped-cache';
import { mongo } from 'nestjs-scoped-cache/mongo';
import { AuthModule } from '../../01-quick-start/src/auth/auth.module.js';
import { ProductsModule } from './products/products.module.js';

@Module({})
export class AppModule {
  /** The application with its data, and its cache, at an address. */
  static at(url: string): DynamicModule {
    return {
      module: AppModule,
      imports: [
        AuthModule,
        MongooseModule.forRoot(url),
        // The connection that the application has anyway. The cache keeps to a collection of its own, and never closes it.
        CacheModule.forRootAsync({
          inject: [getConnectionToken()],
          useFactory: (connection: Connection) => ({
            backend: mongo({ connection }),
            scope: { resolve: fromClaims({ tenant: 'org', user: 'sub' }) },
          }),
        }),
        ProductsModule,
      ],
    };
  }
}
