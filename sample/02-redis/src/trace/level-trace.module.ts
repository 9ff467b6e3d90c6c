import { Module } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { RequestTrace } from '../../../01-quick-start/src/trace/request-trace.js';
import { TraceInterceptor } from '../../../01-quick-start/src/trace/trace.interceptor.js';
import { LevelTrace } from './level-trace.js';
import { RequestLineInterceptor } from './request-line.interceptor.js';

/** Around the interceptor of sample 01, whose notes say more here. The demo writes lines of its own. */
@Module({
  providers: [
    { provide: RequestTrace, useClass: LevelTrace },
    ...(process.env['REQUEST_LINES'] === 'true'
      ? [{ provide: APP_INTERCEPTOR, useClass: RequestLineInterceptor }]
      : []),
    { provide: APP_INTERCEPTOR, useClass: TraceInterceptor },
  ],
  exports: [RequestTrace],
})
export class LevelTraceModule {}
