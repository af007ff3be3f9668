/**
 * Which requests are answered, and with which headers.
 *
 * The secret is a token in the fragment of the address: a browser sends that to nobody, and the page puts it in a header. Not a cookie:
 * those of 127.0.0.1 go to every port of it, so to servers of the host's other users too. Host is checked against names that an attacker
 * points at 127.0.0.1, Origin and Sec-Fetch-Site against pages of others.
 */

import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** No inline code, nothing from elsewhere, no frame, and no text that becomes markup. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

export const GUARD_HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': CONTENT_SECURITY_POLICY,
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
};

/** Any port: `ssh -L` has one of its own. */
const OWN_HOST = /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?$/;

/** @returns why the request is refused; undefined: it comes from the page or from a program of this host. */
export function refusalOf(headers: IncomingHttpHeaders): string | undefined {
  const { host = '', origin } = headers;
  if (!OWN_HOST.test(host)) return 'the host is not this one';
  if (origin !== undefined && origin !== `http://${host}`) return 'the request comes from another page';
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none')
    return 'the request comes from another page';
  return undefined;
}

/** Whether the request has the token. */
export function hasToken({ authorization = '' }: IncomingHttpHeaders, token: string): boolean {
  return timingSafeEqual(digest(authorization), digest(`Bearer ${token}`));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
