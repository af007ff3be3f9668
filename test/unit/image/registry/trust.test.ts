/**
 * Whose certificates are taken: a registry that speaks https, with an authority of its own.
 */

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Registry } from '../../../../src/image/registry/registry.js';
import { deleteTree } from '../../../../src/store/delete-tree.js';

let folder: string;
let server: Server;
let host: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plyfs-trust-'));
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const files = ['-keyout', join(folder, 'key'), '-out', join(folder, 'crt')];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  execFileSync('openssl', ['req', ...kind, ...files, ...names], { stdio: 'ignore' });
  const [key, cert] = ['key', 'crt'].map((name) => readFileSync(join(folder, name)));
  server = createServer({ key, cert }, (_, response) => {
    response.writeHead(200, { 'content-type': 'm' }).end('{}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  host = `localhost:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
  vi.unstubAllEnvs();
  deleteTree(folder);
});

async function ask(insecure = false): Promise<string> {
  using registry = new Registry(host, { insecure, retry: { attempts: 1, firstPauseMs: 1 } });
  const { bytes } = await registry.manifest('app', '1');
  return bytes.toString();
}

test('a certificate of an unknown authority is refused, with what to do', async () => {
  vi.stubEnv('HOME', folder);
  const failed = await ask().catch((error: { hint: string }) => error.hint);
  expect(failed).toBe(
    `put its authority's certificate into /etc/docker/certs.d/${host}/ca.crt, or use --insecure`,
  );
  expect(await ask(true)).toBe('{}');
});

test('authorities come from certs.d and from SSL_CERT_FILE', async () => {
  vi.stubEnv('HOME', join(folder, 'home'));
  const place = join(folder, 'home/.config/containers/certs.d', host);
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, 'ca.crt'), readFileSync(join(folder, 'crt')));
  expect(await ask()).toBe('{}');
  vi.stubEnv('HOME', folder);
  vi.stubEnv('SSL_CERT_FILE', join(folder, 'crt'));
  expect(await ask()).toBe('{}');
});

test('a file that is no certificate is named', async () => {
  vi.stubEnv('HOME', join(folder, 'home'));
  writeFileSync(join(folder, 'home/.config/containers/certs.d', host, 'client.cert'), 'x');
  await expect(ask()).rejects.toThrow(`cannot use the certificates for '${host}'`);
});
