import type { PipeTransform } from '@nestjs/common';

/** Turns a body into a DTO, or throws what the parser throws. */
export class ParsePipe<T> implements PipeTransform<unknown, T> {
  constructor(private readonly parse: (body: unknown) => T) {}

  transform(body: unknown): T {
    return this.parse(body);
  }
}
