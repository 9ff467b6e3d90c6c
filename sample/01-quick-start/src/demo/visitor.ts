import type { Traced } from '../trace/trace.interceptor.js';

/** What came back for one request. */
export interface Answer<T = unknown> extends Partial<Omit<Traced, 'data'>> {
  readonly status: number;
  readonly data: T;
}

/** Somebody with a token, who asks over HTTP. */
export class Visitor {
  constructor(
    readonly name: string,
    private readonly url: string,
    private readonly token: string | undefined,
  ) {}

  get<T>(path: string, headers: Record<string, string> = {}): Promise<Answer<T>> {
    return this.send<T>('GET', path, undefined, headers);
  }

  post<T>(path: string, body?: unknown): Promise<Answer<T>> {
    return this.send<T>('POST', path, body);
  }

  patch<T>(path: string, body: unknown): Promise<Answer<T>> {
    return this.send<T>('PATCH', path, body);
  }

  delete<T>(path: string): Promise<Answer<T>> {
    return this.send<T>('DELETE', path);
  }

  private async send<T>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> {
    const response = await fetch(this.url + path, {
      method,
      headers: {
        ...headers,
        ...(this.token === undefined ? {} : { authorization: `Bearer ${this.token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = (await response.json()) as Traced;
    return { status: response.status, cache: answer.cache, tookMs: answer.tookMs, data: answer.data as T };
  }
}
