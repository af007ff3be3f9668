/**
 * Behind a proxy: push, pull, login, ADD and git reach hosts that only the proxy knows, and leave out what NO_PROXY names.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, normalize } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { DockerRegistry } from '../helpers/docker-registry.js';
import { ForwardProxy } from '../helpers/forward-proxy.js';
import { cliScript, type Result, Workbench } from './plyfs-run.js';

let bench: Workbench;
let proxy: ForwardProxy;
let registry: DockerRegistry;
let web: Server;
/** As only the proxy finds it. */
let host: string;
let site: string;

beforeAll(async () => {
  bench = new Workbench('tree/etc', 'context', 'web', 'home');
  proxy = await ForwardProxy.start();
  registry = await DockerRegistry.withPassword(bench.root);
  host = registry.host.replace('localhost', 'registry.invalid');
  web = createServer(({ url = '' }, response) => {
    try {
      response.end(readFileSync(join(bench.root, 'web', normalize(new URL(url, 'http://x').pathname))));
    } catch {
      response.writeHead(404).end();
    }
  }).listen(0, '127.0.0.1');
  await once(web, 'listening');
  site = `http://files.invalid:${(web.address() as AddressInfo).port}`;
  writeFileSync(join(bench.root, 'tree/etc/motd'), 'hello\n');
  expect(bench.run('tar', '-C', 'tree', '-cf', 'tree.tar', '.').code).toBe(0);
  Object.assign(bench.env, {
    HOME: `${bench.root}/home`,
    DOCKER_CONFIG: `${bench.root}/home/.docker`,
    HTTP_PROXY: `http://${proxy.host}`,
    HTTPS_PROXY: `http://${proxy.host}`,
    NO_PROXY: '',
    no_proxy: '',
  });
  delete bench.env.http_proxy;
});

afterAll(async () => {
  web.close();
  await registry[Symbol.asyncDispose]();
  await proxy[Symbol.asyncDispose]();
  bench.dispose();
});

beforeEach(() => void proxy.seen.splice(0));

/** The proxy is in this process, which has to go on meanwhile. */
async function plyfs(...args: string[]): Promise<Result> {
  const child = spawn(process.execPath, [cliScript, '--root', 'state', ...args], {
    cwd: bench.root,
    env: bench.env,
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.end();
  const [code] = (await once(child, 'close')) as [number];
  return { code, stdout, stderr };
}

it('login, push and pull go through it', async () => {
  expect(await plyfs('login', '--insecure', '-u', 'anna', '-p', 'secret', host)).toMatchObject({ code: 0 });
  expect(await plyfs('import', 'tree.tar', `${host}/app:1`)).toMatchObject({ code: 0 });
  expect(await plyfs('push', '--insecure', `${host}/app:1`)).toMatchObject({ code: 0 });
  expect(await plyfs('rmi', `${host}/app:1`)).toMatchObject({ code: 0 });
  expect(await plyfs('pull', '--insecure', `${host}/app:1`)).toMatchObject({ code: 0 });
  expect(proxy.seen).toContain(`GET http://${host}/v2/app/manifests/1`);
});

it('ADD and git go through it, and what NO_PROXY names does not', async () => {
  writeFileSync(join(bench.root, 'web/file'), 'of the web\n');
  const git = (...args: string[]) => expect(bench.run('git', ...args)).toMatchObject({ code: 0 });
  mkdirSync(join(bench.root, 'repository'));
  git('init', '-q', '-b', 'main', 'repository');
  writeFileSync(join(bench.root, 'repository/tracked'), 'of git\n');
  git('-C', 'repository', 'add', '.');
  git('-C', 'repository', '-c', 'user.name=a', '-c', 'user.email=a@x', 'commit', '-qm', 'one');
  git('clone', '-q', '--bare', 'repository', 'web/r.git');
  git('-C', 'web/r.git', 'update-server-info');
  writeFileSync(
    join(bench.root, 'context/Dockerfile'),
    `FROM scratch\nADD ${site}/file /\nADD ${site}/r.git /r\n`,
  );
  expect(await plyfs('build', '-q', '-o', 'out', 'context')).toMatchObject({ code: 0, stderr: '' });
  const read = (path: string) => readFileSync(join(bench.root, path), 'utf8');
  expect([read('out/file'), read('out/r/tracked')]).toEqual(['of the web\n', 'of git\n']);
  expect(proxy.seen).toContain(`GET ${site}/file`);
  expect(proxy.seen.some((one) => one.startsWith(`GET ${site}/r.git/`))).toBe(true);
  proxy.seen.splice(0);
  bench.env.NO_PROXY = 'invalid';
  const { code, stderr } = await plyfs('pull', `${host}/other`);
  expect([code, stderr]).toEqual([1, expect.stringContaining('no host of this name is known')]);
  expect(proxy.seen).toEqual([]);
  bench.env.NO_PROXY = '';
});
