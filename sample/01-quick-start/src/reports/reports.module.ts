import { Module } from '@nestjs/common';
import { SourceModule } from '../source/source.module.js';
import { ExportsService } from './exports.service.js';
import { ReportsController } from './reports.controller.js';
import { ReportsService } from './reports.service.js';

@Module({ imports: [SourceModule], controllers: [ReportsController], providers: [ReportsService, ExportsService] })
export class ReportsModule {}
