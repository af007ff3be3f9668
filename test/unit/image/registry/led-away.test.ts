/** Where a registry leads to, and what goes there: no credentials, and nothing of this host. */

import { execFileSync } from 'node:child_process';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HttpClient, type HttpResponse } from '../../../../src/image/registry/http.js';
import { isLocalAddress } from '../../../../src/image/registry/local-registry.js';
import { Registry } from '../../../../src/image/registry/registry.js';
import { Authorization } from '../../../../src/image/registry/sign-in/authorization.js';
import { FakeRegistry } from '../../../helpers/fake-registry.js';
import { distPath } from '../../../helpers/project-paths.js';
import type { RedirectCase } from '../../../helpers/remote-hosts.js';

const credentials = { username: 'anna', password: 'secret' };
const retry = { attempts: 1, firstPauseMs: 1 };

describe('another host that answers 401', () => {
  let remote: FakeRegistry;
  let elsewhere: FakeRegistry;
  beforeEach(async () => {
    remote = await FakeRegistry.start();
    elsewhere = await FakeRegistry.start();
  });
  afterEach(async () => {
    await remote[Symbol.asyncDispose]();
    await elsewhere[Symbol.asyncDispose]();
  });

  const challenges = [
    ['Basic', (): string => 'Basic realm="x"'],
    ['Bearer', (): string => `Bearer realm="http://${elsewhere.host}/token",service="s"`],
  ] as const;

  test.each(challenges)('is given nothing, whatever it asks for by %s', async (_, challenge) => {
    elsewhere.handlers.push((__, response) => {
      response.writeHead(401, { 'www-authenticate': challenge() }).end('{"token":"t"}');
      return true;
    });
    remote.handlers.push((request, response) => {
      const { url = '', method } = request;
      if (url === '/v2/') return false;
      const location = `http://${elsewhere.host}${url}`;
      if (method === 'POST') response.writeHead(202, { location }).end();
      else response.writeHead(307, { location }).end();
      return true;
    });
    using registry = new Registry(remote.host, { credentials, retry });
    const { host } = elsewhere;
    await expect(registry.manifest('app', '1')).rejects.toThrow(`'${host}' answered 401`);
    await expect(registry.blob('app', { digest: 'sha256:0', size: 1 })).rejects.toThrow(
      `'${host}' answered 401`,
    );
    await expect(registry.hasBlob('app', 'sha256:0')).rejects.toThrow(`'${host}' answered 401`);
    const source = { sizeBytes: 1, open: () => Readable.from([Buffer.from('x')]) };
    await expect(registry.putBlob('app', 'sha256:0', source)).rejects.toThrow(`'${host}' answered 401`);
    expect(elsewhere.seen.length).toBeGreaterThan(3);
    expect(elsewhere.seen.filter(({ headers }) => headers.authorization !== undefined)).toEqual([]);
    expect(elsewhere.requests('GET', /token/)).toEqual([]);
  });

  test('after the registry itself has asked, is given nothing either', async () => {
    remote.handlers.push((request, response) => {
      if (request.url === '/v2/') return false;
      if (request.headers.authorization === undefined) {
        response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
      } else response.writeHead(302, { location: `http://${elsewhere.host}/x` }).end();
      return true;
    });
    elsewhere.handlers.push((_, response) => {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="y"' }).end();
      return true;
    });
    using registry = new Registry(remote.host, { credentials, retry });
    await expect(registry.manifest('app', '1')).rejects.toThrow('answered 401');
    expect(elsewhere.seen.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });
});

const FAR = '203.0.113.1';
const REFUSED = /leads to '.*' \(.*\), an address of this host or its link, which is not safe after 1$/;

const redirects: readonly (readonly [way: readonly string[], verify: boolean, outcome: RegExp])[] = [
  [[FAR, '127.0.0.1'], true, REFUSED],
  [[FAR, '127.1.2.3'], true, REFUSED],
  [[FAR, '2130706433'], true, REFUSED],
  [[FAR, 'localhost'], true, REFUSED],
  [[FAR, '0.0.0.0'], true, REFUSED],
  [[FAR, '[::1]'], true, REFUSED],
  [[FAR, '[::ffff:127.0.0.1]'], true, REFUSED],
  [[FAR, '169.254.169.254'], true, REFUSED],
  [[FAR, FAR, '127.0.0.1'], true, /is not safe after 2$/],
  [['127.0.0.1', FAR, '127.0.0.1'], true, /is not safe after 2$/],
  [[FAR, '127.0.0.1'], false, /^200 after 2$/],
  [[FAR, FAR], true, /^200 after 2$/],
  [['127.0.0.1', 'localhost'], true, /^200 after 2$/],
  [['127.0.0.1', FAR], true, /^200 after 2$/],
];

test('a redirect from a public host to loopback or link-local addresses is refused, but with --insecure', () => {
  const cases: RedirectCase[] = redirects.map(([way, verify]) => ({ way, verify }));
  const script = distPath('test/helpers/remote-hosts.js');
  const output = execFileSync('unshare', ['-rn', process.execPath, script, JSON.stringify(cases)], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  const outcomes = JSON.parse(output) as string[];
  for (const [index, [way, , outcome]] of redirects.entries()) {
    expect(`${way.join(' ')}: ${outcomes[index]}`).toMatch(
      outcome.source.startsWith('^') ? new RegExp(outcome.source.slice(1)) : outcome,
    );
  }
});

test.each([
  ['127.0.0.1', true],
  ['127.255.0.1', true],
  ['::1', true],
  ['::ffff:127.0.0.1', true],
  ['fe80::1%eth0', true],
  ['169.254.1.1', true],
  ['0.0.0.0', true],
  ['::', true],
  ['::127.0.0.1', true],
  ['64:ff9b::127.0.0.1', true],
  ['64:ff9b::169.254.169.254', true],
  ['2002:7f00:1::', true],
  ['fd00:ec2::254', true],
  ['100.100.100.200', true],
  ['168.63.129.16', true],
  ['64:ff9b::8.8.8.8', false],
  ['fd00:ec2::253', false],
  ['10.0.0.1', false],
  ['128.0.0.1', false],
  ['2001:db8::1', false],
  ['localhost', false],
])('isNearAddress(%s) is %s', (address, isLocal) => expect(isLocalAddress(address)).toBe(isLocal));

test('a public registry may not name a realm on this host', async () => {
  await using realm = await FakeRegistry.start();
  using http = new HttpClient({ verify: true });
  const authorization = new Authorization('far.example', http, credentials);
  const asked = {
    url: new URL('http://far.example/v2/'),
    isLocal: false,
    header: () => `Bearer realm="http://${realm.host}/token"`,
  } as unknown as HttpResponse;
  await expect(authorization.answer(asked, ['x'])).rejects.toThrow('an address of this host or its link');
  expect(realm.seen).toEqual([]);
});
