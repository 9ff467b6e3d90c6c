import { BadRequestException } from '@nestjs/common';

export interface BookHoursDto {
  readonly hours: number;
}

export function parseBookHours(body: unknown): BookHoursDto {
  const hours = Number((body as { hours?: unknown } | undefined)?.hours);
  if (!(hours > 0) || hours > 744) throw new BadRequestException('hours must be a number above 0');
  return { hours };
}
