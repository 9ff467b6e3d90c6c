import { Module } from '@nestjs/common';
import { ProjectsModule } from '../projects/projects.module.js';
import { SourceModule } from '../source/source.module.js';
import { DashboardController } from './dashboard.controller.js';
import { DashboardService } from './dashboard.service.js';

@Module({
  imports: [SourceModule, ProjectsModule],
  controllers: [DashboardController],
  providers: [DashboardService],
})
export class DashboardModule {}
