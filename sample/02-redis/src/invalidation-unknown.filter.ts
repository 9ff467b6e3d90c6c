import { Catch, HttpStatus, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { InvalidationUnknownError } from 'nestjs-scoped-cache';

/** What this needs of a response, of whatever platform. */
interface Response {
  status(code: number): { json(body: unknown): unknown };
}

/**
 * The change was made, and nobody can say whether all have forgotten the old value: Redis does not answer. The cache
 * goes on trying, before anybody reads from it again. Here the caller is told; an application that can live with it
 * catches the error, or says `failSilently: true` on the decorator.
 */
@Catch(InvalidationUnknownError)
export class InvalidationUnknownFilter implements ExceptionFilter<InvalidationUnknownError> {
  catch({ code }: InvalidationUnknownError, host: ArgumentsHost): void {
    const message = 'Done, but an old value may be shown for a while';
    host.switchToHttp().getResponse<Response>().status(HttpStatus.SERVICE_UNAVAILABLE).json({ code, message });
  }
}
