import { Module } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { RequestTrace } from './request-trace.js';
import { TraceInterceptor } from './trace.interceptor.js';

@Module({
  providers: [RequestTrace, { provide: APP_INTERCEPTOR, useClass: TraceInterceptor }],
  exports: [RequestTrace],
})
export class TraceModule {}
