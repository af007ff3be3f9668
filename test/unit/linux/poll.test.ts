import { expect, test } from 'vitest';
import { EAGAIN, EBADF } from '../../../src/errno/errno.js';
import { EFD_NONBLOCK, EFD_SEMAPHORE, POLLHUP, POLLIN, POLLNVAL } from '../../../src/linux/constants.js';
import { close } from '../../../src/linux/files/open.js';
import { eventfd, eventfdDrain, eventfdWrite, PollSet, poll } from '../../../src/linux/io/poll.js';
import { socketpair } from '../../../src/linux/io/socket-message.js';
import { closing } from './temp-directory.js';

test('poll() says which descriptor has something, and 0 at the timeout', () => {
  const one = closing(eventfd(0, EFD_NONBLOCK));
  const two = closing(eventfd(0, EFD_NONBLOCK));
  const set = new PollSet([one, -1, two]);
  expect(poll(set, 0)).toBe(0);
  const start = performance.now();
  expect(poll(set, 30)).toBe(0);
  expect(performance.now() - start).toBeGreaterThan(25);
  expect(eventfdWrite(two)).toBe(8);
  expect(poll(set, -1)).toBe(1);
  expect([set.revents(0), set.revents(1), set.revents(2)]).toEqual([0, 0, POLLIN]);
  expect(eventfdDrain(two)).toBe(1);
  expect(poll(set, 0)).toBe(0);
  expect(set.revents(2)).toBe(0);
});

test('poll() reports a closed descriptor and a closed peer', () => {
  const pair = socketpair();
  if (typeof pair === 'number') throw new Error(`socketpair gave ${pair}`);
  close(pair[1]);
  const gone = eventfd(0, 0);
  close(gone);
  const set = new PollSet([closing(pair[0]), gone]);
  expect(poll(set, -1)).toBe(2);
  expect(set.revents(0) & POLLHUP).toBe(POLLHUP);
  expect(set.revents(1)).toBe(POLLNVAL);
});

test('eventfdDrain() gives the whole counter, or one at a time with EFD_SEMAPHORE', () => {
  const whole = closing(eventfd(3, EFD_NONBLOCK));
  eventfdWrite(whole);
  expect(eventfdDrain(whole)).toBe(4);
  expect(eventfdDrain(whole)).toBe(-EAGAIN);
  const semaphore = closing(eventfd(2, EFD_NONBLOCK | EFD_SEMAPHORE));
  expect([eventfdDrain(semaphore), eventfdDrain(semaphore), eventfdDrain(semaphore)]).toEqual([
    1,
    1,
    -EAGAIN,
  ]);
  expect(eventfdWrite(-1)).toBe(-EBADF);
});
