import { Module } from '@nestjs/common';
import { SourceModule } from '../source/source.module.js';
import { RatesController } from './rates.controller.js';
import { RatesService } from './rates.service.js';

@Module({ imports: [SourceModule], controllers: [RatesController], providers: [RatesService] })
export class RatesModule {}
