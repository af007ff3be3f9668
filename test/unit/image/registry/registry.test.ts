/**
 * The registry client against a registry in this process, faults included.
 */

import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { UserError } from '../../../../src/errno/user-error.js';
import { downloadBlob } from '../../../../src/image/registry/download.js';
import { isLoopback } from '../../../../src/image/registry/reach.js';
import { Registry, type RegistryOptions } from '../../../../src/image/registry/registry.js';
import { deleteTree } from '../../../../src/store/delete-tree.js';
import { FakeRegistry } from '../../../helpers/fake-registry.js';

const retry = { attempts: 3, firstPauseMs: 1 };
const user = { username: 'anna', password: 'secret' };
const basicHeader = `Basic ${Buffer.from('anna:secret').toString('base64')}`;
const content = Buffer.alloc(300_000, 'layer ');

let remote: FakeRegistry;
let folder: string;

beforeEach(async () => {
  remote = await FakeRegistry.start();
  folder = mkdtempSync(join(tmpdir(), 'plyfs-registry-'));
});

afterEach(async () => {
  await remote[Symbol.asyncDispose]();
  deleteTree(folder);
});

function client(options: RegistryOptions = {}): Registry {
  return new Registry(remote.host, { retry, ...options });
}

interface TestRegistryOptions {
  readonly size?: number;
  readonly attempts?: number;
  readonly seen?: number[];
}

/** What came, and into the file `blob`. */
async function download(
  registry: Registry,
  digest: string,
  { size = content.byteLength, attempts = 3, seen = [] }: TestRegistryOptions = {},
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const blob = downloadBlob({
    registry,
    repository: 'app',
    descriptor: { mediaType: 'x', digest, size },
    path: join(folder, 'blob'),
    onBytes: (count) => seen.push(count),
    retry: { attempts, firstPauseMs: 1 },
  });
  for await (const chunk of blob) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('Registry', () => {
  test('gives a manifest as it was sent, with its type', async () => {
    remote.manifests.set('1.0', {
      bytes: Buffer.from('{ "a": 1 }'),
      mediaType: 'application/x; charset=utf-8',
    });
    using registry = client();
    const { bytes, mediaType } = await registry.manifest('app', '1.0');
    expect([bytes.toString(), mediaType]).toEqual(['{ "a": 1 }', 'application/x']);
  });

  test('says which image there is not', async () => {
    using registry = client();
    await expect(registry.manifest('app', 'none')).rejects.toThrow(
      `no such image in the registry: '${remote.host}/app:none'`,
    );
  });

  test('answers a basic challenge, and sends the credentials at once from then on', async () => {
    remote.handlers.push((request, response) => {
      if (request.url === '/v2/' || request.headers.authorization === basicHeader) return false;
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
      return true;
    });
    remote.manifests.set('1', { bytes: Buffer.from('{}'), mediaType: 'm' });
    using registry = client({ credentials: user });
    await registry.manifest('app', '1');
    await registry.manifest('app', '1');
    expect(remote.requests('GET', /manifests/)).toHaveLength(3);
    using stranger = client();
    await expect(stranger.manifest('app', '1')).rejects.toThrow(
      `access to '${remote.host}' denied: no credentials`,
    );
    using wrong = client({ credentials: { username: 'bob', password: 'x' } });
    await expect(wrong.manifest('app', '1')).rejects.toThrow("denied for user 'bob'");
  });

  test('gets one token for each scope from the realm, with the credentials', async () => {
    remote.handlers.push((request, response) => {
      const { url = '', headers } = request;
      if (url.startsWith('/token')) {
        response.writeHead(headers.authorization === basicHeader ? 200 : 401).end('{"token":"T1"}');
        return true;
      }
      if (url === '/v2/' || headers.authorization === 'Bearer T1') return false;
      const challenge = `Bearer realm="http://${remote.host}/token",service="reg",scope="ignored"`;
      response.writeHead(401, { 'www-authenticate': challenge }).end();
      return true;
    });
    remote.manifests.set('1', { bytes: Buffer.from('{}'), mediaType: 'm' });
    using registry = client({ credentials: user });
    await registry.manifest('app', '1');
    await registry.manifest('app', '1');
    expect(remote.requests('GET', /token/).map(({ url }) => url)).toEqual([
      '/token?service=reg&scope=repository%3Aapp%3Apull',
    ]);
  });

  test('comes again after 503 and 429, and gives up with the last answer', async () => {
    let faults = 2;
    remote.handlers.push((request, response) => {
      if (request.url === '/v2/' || faults === 0) return false;
      faults -= 1;
      response
        .writeHead(faults === 1 ? 503 : 429, { 'retry-after': '0' })
        .end('{"errors":[{"message":"busy"}]}');
      return true;
    });
    remote.manifests.set('1', { bytes: Buffer.from('{}'), mediaType: 'm' });
    using registry = client();
    await registry.manifest('app', '1');
    faults = 100;
    await expect(registry.manifest('app', '1')).rejects.toThrow('answered 429: busy');
    expect(faults).toBe(97);
  });

  test('does not hand its credentials to the host that a blob is redirected to', async () => {
    await using elsewhere = await FakeRegistry.start();
    const digest = elsewhere.addBlob(content);
    remote.handlers.push((request, response) => {
      const { url = '', headers } = request;
      if (!url.includes('/blobs/')) return false;
      const location = `http://${elsewhere.host}/x/blobs/${digest}`;
      if (headers.authorization) response.writeHead(307, { location }).end();
      else response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
      return true;
    });
    using registry = client({ credentials: user });
    await download(registry, digest);
    expect(elsewhere.seen.map(({ headers }) => headers.authorization)).toEqual([undefined]);
    expect(readFileSync(join(folder, 'blob')).equals(content)).toBe(true);
  });

  test('uploads a blob in one piece, keeps what the location says, and mounts one of another repository', async () => {
    using registry = client();
    const digest = 'sha256:0fa1075d48bbac9ed06cf8c5a5fc3e7b3f5ca1a0b0f3a5a2a3c5a4d4bb1f5c19';
    const right = remote.addBlob(content);
    remote.blobs.clear();
    const source = { sizeBytes: content.byteLength, open: () => Readable.from([content]) };
    await registry.putBlob('app', right, source);
    expect(await registry.hasBlob('app', right)).toBe(true);
    expect(await registry.hasBlob('app', digest)).toBe(false);
    expect(await registry.mountBlob('other', right, 'app')).toBe(true);
    // What is not there the registry begins to receive: the upload goes on in that session.
    const begun = await registry.mountBlob('third', digest, 'app');
    expect(String(begun)).toMatch(/\/v2\/third\/blobs\/uploads\/session\?state=1$/);
    remote.blobs.clear();
    await registry.putBlob('third', right, source, begun as URL);
    expect(remote.requests('POST', /third/)).toHaveLength(1);
    await expect(registry.putBlob('app', digest, source)).rejects.toThrow('answered 400: digest invalid');
    expect(remote.requests('PUT', /state=1&digest=/)).toHaveLength(3);
  });

  test('uploads what the realm does not let it take over from another repository', async () => {
    remote.handlers.push((request, response) => {
      const { url = '', headers } = request;
      if (url.startsWith('/token')) {
        response.writeHead(200).end(JSON.stringify({ token: url.includes('secret') ? 'T1' : 'T2' }));
        return true;
      }
      const isRefused = url.includes('from=') || headers.authorization !== 'Bearer T2';
      if (url === '/v2/' || !isRefused) return false;
      response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${remote.host}/token"` }).end();
      return true;
    });
    using registry = client();
    const digest = remote.addBlob(content);
    expect(await registry.mountBlob('app', digest, 'secret')).toBe(false);
    await registry.putBlob('app', digest, {
      sizeBytes: content.length,
      open: () => Readable.from([content]),
    });
  });

  test('does not wait for the end of an answer that it does not want', async () => {
    remote.handlers.push((request, response) => {
      if (request.url === '/v2/') return false;
      response.writeHead(404);
      const fill = (): void => {
        while (!response.destroyed && response.write(content));
        if (!response.destroyed) response.once('drain', fill);
      };
      fill();
      return true;
    });
    using registry = client();
    await expect(registry.manifest('app', '1')).rejects.toThrow('no such image');
  });

  test.each([
    ['file:///etc/passwd', 404, /redirects to 'file:\/\/\/etc\/passwd', which is not safe/],
    ['http://[', 404, /which is not safe/],
    [undefined, 403, /denied: no credentials for it: go away; /],
    [undefined, 429, /answered 429: go away \(come again in 3600 s\)/],
  ])('gives up at once when sent to %s with %d', async (location, status, message) => {
    remote.handlers.push((request, response) => {
      if (request.url === '/v2/') return false;
      if (location !== undefined) response.writeHead(302, { location }).end();
      else response.writeHead(status, { 'retry-after': '3600' }).end('{"errors":[{"message":"go away"}]}');
      return true;
    });
    using registry = client();
    const failed = await registry.manifest('app', '1').catch((error: UserError) => error);
    expect(`${(failed as UserError).message}; ${(failed as UserError).hint}`).toMatch(message);
    expect(remote.requests('GET', /manifests/)).toHaveLength(1);
  });

  test('lists the tags of all pages, and says which repository there is not', async () => {
    const pages = [['a', 'b'], ['c'], []];
    remote.handlers.push(({ url = '' }, response) => {
      if (!url.startsWith('/v2/app/tags/list')) return false;
      const page = Number(new URL(url, 'http://x').searchParams.get('page') ?? 0);
      response.writeHead(200, { link: `</v2/app/tags/list?page=${page + 1}>; rel="next"` });
      response.end(JSON.stringify({ name: 'app', tags: pages[page] }));
      return true;
    });
    using registry = client();
    expect(await registry.tags('app')).toEqual(['a', 'b', 'c']);
    await expect(registry.tags('none')).rejects.toThrow(
      `no such repository in the registry: '${remote.host}/none'`,
    );
    pages[0] = null as unknown as string[];
    expect(await registry.tags('app')).toEqual([]);
    pages[0] = 'x' as unknown as string[];
    await expect(registry.tags('app')).rejects.toThrow('the list of tags');
  });

  test('names the host that cannot be reached', async () => {
    using registry = new Registry('127.0.0.1:1', { retry });
    await expect(registry.manifest('app', '1')).rejects.toThrow("cannot reach the registry '127.0.0.1:1'");
  });

  test('isLoopback() knows names and addresses, with ports', () => {
    const hosts = ['localhost', 'localhost:5000', '127.0.0.1:5000', '127.1.2.3', '[::1]:5000', 'a.localhost'];
    expect(hosts.filter((host) => !isLoopback(host))).toEqual([]);
    expect(['example.org', '10.0.0.1:5000', 'localhost.example.org'].filter(isLoopback)).toEqual([]);
  });
});

describe('downloadBlob()', () => {
  function breakFirst(bytes: number): void {
    let isBroken = false;
    remote.handlers.push((request, response) => {
      if (isBroken || !request.url?.includes('/blobs/')) return false;
      isBroken = true;
      response.writeHead(200, { 'content-length': String(content.byteLength) });
      response.write(content.subarray(0, bytes), () => response.destroy());
      return true;
    });
  }

  test('goes on where the connection broke', async () => {
    const digest = remote.addBlob(content);
    breakFirst(100_000);
    const seen: number[] = [];
    using registry = client();
    expect((await download(registry, digest, { seen })).equals(content)).toBe(true);
    const [, second] = remote.requests('GET', /blobs/);
    expect(second?.headers.range).toMatch(/^bytes=[1-9]\d*-$/);
    expect(seen.reduce((sum, count) => sum + count, 0)).toBe(content.byteLength);
    expect(readFileSync(join(folder, 'blob')).equals(content)).toBe(true);
    expect(readdirSync(folder)).toEqual(['blob']);
  });

  test('a later command reads what an earlier one left, and asks for the rest', async () => {
    const digest = remote.addBlob(content);
    breakFirst(50_000);
    using registry = client();
    await expect(download(registry, digest, { attempts: 0 })).rejects.toThrow('cannot reach');
    const seen: number[] = [];
    expect((await download(registry, digest, { seen })).equals(content)).toBe(true);
    expect(seen.reduce((sum, count) => sum + count, 0)).toBeLessThan(content.byteLength);
  });

  test('asks for nothing when all is there', async () => {
    const digest = remote.addBlob(content);
    using registry = client();
    await download(registry, digest);
    expect((await download(registry, digest)).equals(content)).toBe(true);
    expect(remote.requests('GET', /blobs/)).toHaveLength(1);
  });

  test('skips what is known where the registry knows no ranges', async () => {
    const digest = remote.addBlob(content);
    remote.handlers.push((request, response) => {
      if (!request.url?.includes('/blobs/')) return false;
      response.writeHead(200).end(content);
      return true;
    });
    breakFirst(100_000);
    using registry = client();
    expect((await download(registry, digest)).equals(content)).toBe(true);
  });

  test.each([
    ['a wrong digest', `sha256:${'0'.repeat(64)}`, content.byteLength, /has the digest 'sha256:/],
    ['more bytes than announced', '', 1000, /is longer than the 1000 bytes/],
  ])('refuses %s and keeps nothing of it', async (_, digest, size, message) => {
    const real = remote.addBlob(content);
    if (digest !== '') remote.blobs.set(digest, content);
    using registry = client();
    await expect(download(registry, digest || real, { size })).rejects.toThrow(message);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('two at once bring the blob once', async () => {
    const digest = remote.addBlob(content);
    using registry = client();
    const both = await Promise.all([download(registry, digest), download(registry, digest)]);
    expect(both.map((bytes) => bytes.equals(content))).toEqual([true, true]);
    expect(remote.requests('GET', /blobs/)).toHaveLength(1);
  });
});
