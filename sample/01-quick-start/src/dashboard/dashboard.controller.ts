import { Controller, Get } from '@nestjs/common';
import { DashboardService, type Dashboard } from './dashboard.service.js';

@Controller('dashboard')
export class DashboardController {
  constructor(private readonly dashboards: DashboardService) {}

  @Get()
  mine(): Promise<Dashboard> {
    return this.dashboards.mine();
  }
}
