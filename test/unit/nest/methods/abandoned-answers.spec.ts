import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Observable, Subject, take, toArray, lastValueFrom } from 'rxjs';
import { Cacheable } from '../../../../lib/index.js';
import { closeAll, counter, start } from '../support/start.js';

afterEach(closeAll);

@Injectable()
class Answers {
  readonly next = counter();
  words = new Subject<string>();

  @Cacheable()
  answer(_question: string): Observable<string> {
    this.next();
    return this.words;
  }
}

describe('B38: an answer that is streamed word by word', () => {
  it('and given up at half of it is not stored; one that came to its end is', async () => {
    const { get } = await start({}, Answers);
    const answers = get(Answers);
    const ask = (): Promise<string[]> => lastValueFrom(answers.answer('why?').pipe(toArray()));
    const gone = answers.answer('why?').pipe(take(1)).subscribe();
    answers.words.next('because');
    gone.unsubscribe();
    answers.words.error(new Error('connection lost'));
    await new Promise(setImmediate);
    answers.words = new Subject();
    const whole = ask();
    for (const word of ['because', 'it', 'is']) answers.words.next(word);
    answers.words.complete();
    expect(await whole).toEqual(['because', 'it', 'is']);
    expect(await ask()).toEqual(['because', 'it', 'is']);
    expect(answers.next()).toBe('#3');
  });
});
