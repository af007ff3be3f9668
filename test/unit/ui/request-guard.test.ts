/** Which requests the page's server answers. */

import { describe, expect, test } from 'vitest';
import { CallArguments } from '../../../src/ui/call-arguments.js';
import { DownloadTickets } from '../../../src/ui/serve/downloads.js';
import { GUARD_HEADERS, hasToken, refusalOf } from '../../../src/ui/serve/request-guard.js';

describe('refusalOf()', () => {
  test.each([
    { host: '127.0.0.1:8080' },
    { host: 'localhost:9' },
    { host: '[::1]:8080' },
    { host: 'localhost:8080', origin: 'http://localhost:8080', 'sec-fetch-site': 'same-origin' },
    { host: 'localhost', 'sec-fetch-site': 'none' },
  ])('lets the page and programs of this host in: $host', (headers) => {
    expect(refusalOf(headers)).toBeUndefined();
  });

  test.each([
    {},
    { host: 'example.org' },
    { host: '127.0.0.1.example.org:8080' },
    { host: 'localhost:8080@example.org' },
    { host: 'localhost:1', origin: 'http://localhost:2' },
    { host: 'localhost:1', origin: 'https://localhost:1' },
    { host: 'localhost:1', origin: 'null' },
    { host: 'localhost:1', 'sec-fetch-site': 'cross-site' },
    { host: 'localhost:1', 'sec-fetch-site': 'same-site' },
  ])('refuses names that lead here and pages of others: %o', (headers) => {
    expect(refusalOf(headers)).toMatch(/the host is not this one|another page/);
  });
});

test('hasToken() wants the whole token', () => {
  expect(hasToken({ authorization: 'Bearer abc' }, 'abc')).toBe(true);
  for (const authorization of ['Bearer ab', 'Bearer abcd', 'abc', 'bearer abc', ''])
    expect(hasToken({ authorization }, 'abc')).toBe(false);
  expect(hasToken({}, 'abc')).toBe(false);
});

test('no inline code, nothing from elsewhere, no frame, nothing kept', () => {
  const policy = GUARD_HEADERS['Content-Security-Policy'];
  expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self'/);
  expect(policy).toMatch(/frame-ancestors 'none'; require-trusted-types-for 'script'/);
  expect(policy).not.toMatch(/unsafe|https?:|\*/);
  expect(GUARD_HEADERS).toMatchObject({ 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' });
});

test('a ticket is for one download', () => {
  const tickets = new DownloadTickets();
  const ticket = tickets.issue({ path: 'a' });
  expect(tickets.take(ticket)).toEqual({ path: 'a' });
  expect(() => tickets.take(ticket)).toThrow('begun before');
  expect(() => tickets.issue('x')).toThrow('no object');
});

test('CallArguments reads each value with its type', () => {
  const args = new CallArguments({ text: 'a', number: 3, flag: true, nul: 'a\0b', negative: -1 });
  expect([args.text('text'), args.number('number'), args.flag('flag'), args.flag('none')]).toEqual([
    'a',
    3,
    true,
    undefined,
  ]);
  for (const read of [
    () => args.text('none'),
    () => args.text('number'),
    () => args.text('nul'),
    () => args.number('text'),
    () => args.number('negative'),
    () => args.flag('text'),
    () => new CallArguments([]),
    () => new CallArguments(null),
  ])
    expect(read).toThrow('invalid arguments');
});
