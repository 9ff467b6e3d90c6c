import { Injectable, UnauthorizedException, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { verify, type Claims } from './demo-users.js';

export interface AuthenticatedRequest {
  readonly headers: { readonly authorization?: string };
  user?: Claims;
}

/**
 * Proves who is asking and leaves the claims on `request.user`. Guards run before interceptors, so by the time the
 * cache asks for tenant and user (`fromClaims` in app.module.ts), they are proven.
 */
@Injectable()
export class AuthGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    const claims = token === undefined ? undefined : verify(token);
    if (claims === undefined) {
      throw new UnauthorizedException('Send "Authorization: Bearer acme-alice" (or acme-bob, globex-gina)');
    }
    request.user = claims;
    return true;
  }
}
