/** Proxies of the environment: which addresses go through them, and what goes through. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { HttpClient } from '../../../../src/image/registry/http.js';
import { proxyFor } from '../../../../src/image/registry/proxy.js';
import { Registry } from '../../../../src/image/registry/registry.js';
import { deleteTree } from '../../../../src/store/delete-tree.js';
import { FakeRegistry } from '../../../helpers/fake-registry.js';
import { ForwardProxy } from '../../../helpers/forward-proxy.js';
import { sha256 } from '../../../helpers/oci-layout.js';

const retry = { attempts: 1, firstPauseMs: 1 };

test.each([
  // What Go's httpproxy says of each.
  ['https://a.com/', { HTTPS_PROXY: 'http://p:1' }, 'http://p:1/'],
  ['https://a.com/', { https_proxy: 'p:1' }, 'http://p:1/'],
  ['https://a.com/', { HTTP_PROXY: 'p:1' }, undefined],
  ['http://a.com/', { HTTP_PROXY: 'https://u:w@p' }, 'https://u:w@p/'],
  ['http://a.com/', { HTTP_PROXY: '', http_proxy: 'p:1' }, 'http://p:1/'],
  ['http://localhost:5000/', { HTTP_PROXY: 'p:1' }, undefined],
  ['http://127.0.0.9/', { HTTP_PROXY: 'p:1' }, undefined],
  ['http://[::1]:80/', { HTTP_PROXY: 'p:1' }, undefined],
  ['http://a.com/', { HTTP_PROXY: 'p:1', NO_PROXY: '*' }, undefined],
  ['http://a.com/', { HTTP_PROXY: 'p:1', NO_PROXY: 'b.com, A.com' }, undefined],
  ['http://x.a.com/', { HTTP_PROXY: 'p:1', no_proxy: 'a.com' }, undefined],
  ['http://xa.com/', { HTTP_PROXY: 'p:1', NO_PROXY: 'a.com' }, 'http://p:1/'],
  ['http://a.com/', { HTTP_PROXY: 'p:1', NO_PROXY: '.a.com' }, 'http://p:1/'],
  ['http://x.a.com/', { HTTP_PROXY: 'p:1', NO_PROXY: '*.a.com' }, undefined],
  ['http://a.com:81/', { HTTP_PROXY: 'p:1', NO_PROXY: 'a.com:80' }, 'http://p:1/'],
  ['https://a.com/', { HTTPS_PROXY: 'p:1', NO_PROXY: 'a.com:443' }, undefined],
  ['http://10.1.2.3/', { HTTP_PROXY: 'p:1', NO_PROXY: '10.0.0.0/8' }, undefined],
  ['http://11.1.2.3/', { HTTP_PROXY: 'p:1', NO_PROXY: '10.0.0.0/8,12.1.1.1' }, 'http://p:1/'],
  ['http://12.1.1.1/', { HTTP_PROXY: 'p:1', NO_PROXY: '12.1.1.1' }, undefined],
  ['http://[fd00::5]/', { HTTP_PROXY: 'p:1', NO_PROXY: 'fd00::/8' }, undefined],
  ['http://[fd00::5]:81/', { HTTP_PROXY: 'p:1', NO_PROXY: 'fd00::5' }, undefined],
  ['http://a.com/', { HTTP_PROXY: 'p:1', NO_PROXY: 'x/y,/8,10.0.0.0/99,[::' }, 'http://p:1/'],
])('%s with %j', (address, env, proxy) => {
  expect(proxyFor(new URL(address), env)?.href).toBe(proxy);
});

test.each(['socks5://p:1', 'http://', '://', 'file:///x'])('%s is no proxy', (HTTP_PROXY) => {
  expect(() => proxyFor(new URL('http://a.com'), { HTTP_PROXY })).toThrow(
    /^HTTP_PROXY is no proxy that can be used/,
  );
});

test('the password of a proxy that cannot be used is not shown', () => {
  const env = { HTTPS_PROXY: 'socks5://anna:secret@p:1' };
  expect(() => proxyFor(new URL('https://a.com'), env)).toThrow("'socks5://...@p:1'");
});

describe('through a proxy', () => {
  let proxy: ForwardProxy;
  let remote: FakeRegistry;
  /** A name that nothing but the proxy knows. */
  let host: string;

  beforeEach(async () => {
    proxy = await ForwardProxy.start();
    remote = await FakeRegistry.start();
    host = `registry.invalid:${remote.host.split(':')[1]}`;
    for (const name of ['HTTP_PROXY', 'HTTPS_PROXY']) vi.stubEnv(name, `http://${proxy.host}`);
    for (const name of ['NO_PROXY', 'no_proxy']) vi.stubEnv(name, '');
  });

  afterEach(async () => {
    vi.unstubAllEnvs();
    await proxy[Symbol.asyncDispose]();
    await remote[Symbol.asyncDispose]();
  });

  test('a registry in the clear is asked with its full address, for what is sent too', async () => {
    remote.manifests.set('1', { bytes: Buffer.from('{}'), mediaType: 'm' });
    using registry = new Registry(host, { insecure: true, retry });
    expect((await registry.manifest('app', '1')).bytes.toString()).toBe('{}');
    expect(proxy.seen).toContain(`CONNECT ${host}`);
    expect(proxy.seen).toContain(`GET http://${host}/v2/app/manifests/1`);
    const bytes = Buffer.alloc(300_000, 'x');
    const digest = `sha256:${sha256(bytes)}`;
    await registry.putBlob('app', digest, { sizeBytes: bytes.length, open: () => Readable.from([bytes]) });
    expect(remote.blobs.get(digest)?.length).toBe(bytes.length);
    expect(remote.seen.every(({ headers }) => headers.host === host)).toBe(true);
  });

  test('a proxy that connects to TLS alone does not keep from plain http, where that is allowed', async () => {
    proxy.refusal = 403;
    remote.manifests.set('1', { bytes: Buffer.from('{}'), mediaType: 'm' });
    using registry = new Registry(host, { insecure: true, retry });
    expect((await registry.manifest('app', '1')).bytes.toString()).toBe('{}');
    using strict = new Registry(host, { retry });
    await expect(strict.manifest('app', '1')).rejects.toThrow(
      `the proxy '${proxy.host}' does not connect to '${host}': 403 No`,
    );
  });

  test('a proxy with a password gets it, and the registry does not', async () => {
    proxy.credentials = 'anna:se:cret';
    vi.stubEnv('HTTP_PROXY', `http://anna:se%3Acret@${proxy.host}`);
    vi.stubEnv('HTTPS_PROXY', `http://${proxy.host}`);
    using http = new HttpClient({ verify: true });
    const answer = await http.send({ method: 'GET', url: new URL(`http://${host}/v2/`) });
    expect([answer.status, remote.seen[0]?.headers['proxy-authorization']]).toEqual([200, undefined]);
    answer.body.destroy();
    await expect(http.send({ method: 'GET', url: new URL(`https://${host}/`) })).rejects.toMatchObject({
      message: `the proxy '${proxy.host}' does not connect to '${host}': 407 No`,
      hint: expect.stringContaining('USER:PASSWORD') as string,
    });
  });

  test('nobody is led to an address of this host or the proxy, however near the proxy is', async () => {
    remote.handlers.push((_, response) => {
      response.writeHead(307, { location: 'http://169.254.169.254/latest' }).end();
      return true;
    });
    using http = new HttpClient({ verify: true });
    await expect(http.send({ method: 'GET', url: new URL(`http://${host}/`) })).rejects.toThrow(
      '169.254.169.254',
    );
    expect(proxy.seen).toEqual([`GET http://${host}/`]);
  });

  test('a proxy that is not there is named', async () => {
    vi.stubEnv('HTTPS_PROXY', 'http://127.0.0.1:1');
    using registry = new Registry('registry.invalid', { retry });
    await expect(registry.manifest('app', '1')).rejects.toThrow(
      "cannot reach the proxy '127.0.0.1:1': connection refused",
    );
  });

  test('the certificate that counts is that of the host, not of the way there', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'plyfs-proxy-'));
    const names = ['-subj', '/CN=x', '-addext', 'subjectAltName=DNS:registry.invalid'];
    const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const files = ['-keyout', join(folder, 'key'), '-out', join(folder, 'crt')];
    execFileSync('openssl', ['req', ...kind, ...files, ...names], { stdio: 'ignore' });
    const [key, cert] = ['key', 'crt'].map((name) => readFileSync(join(folder, name)));
    const server = createServer({ key, cert }, (_, response) => response.end('{}'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    try {
      vi.stubEnv('HOME', folder);
      vi.stubEnv('SSL_CERT_FILE', join(folder, 'crt'));
      using right = new Registry(`registry.invalid:${port}`, { retry });
      expect((await right.manifest('app', '1')).bytes.toString()).toBe('{}');
      expect((await right.manifest('app', '2')).bytes.toString()).toBe('{}');
      // Connections are used again.
      expect(proxy.seen).toEqual([`CONNECT registry.invalid:${port}`]);
      using wrong = new Registry(`other.invalid:${port}`, { retry });
      await expect(wrong.manifest('app', '1')).rejects.toThrow(/other\.invalid/);
    } finally {
      server.closeAllConnections();
      server.close();
      deleteTree(folder);
    }
  });
});
