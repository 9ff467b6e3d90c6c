import { Module } from '@nestjs/common';
import { SlowSource } from './slow-source.js';

@Module({ providers: [SlowSource], exports: [SlowSource] })
export class SourceModule {}
