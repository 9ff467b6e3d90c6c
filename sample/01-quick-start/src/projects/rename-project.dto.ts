import { BadRequestException } from '@nestjs/common';

export interface RenameProjectDto {
  readonly name: string;
}

export function parseRenameProject(body: unknown): RenameProjectDto {
  const name = (body as { name?: unknown } | undefined)?.name;
  if (typeof name !== 'string' || name.trim() === '' || name.length > 80) {
    throw new BadRequestException('name must be a text of 1 to 80 characters');
  }
  return { name: name.trim() };
}
