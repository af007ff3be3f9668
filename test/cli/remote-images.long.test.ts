/** `image tags`, `inspect --remote` and `copy` at Debian's docker-registry, with skopeo beside them. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DockerRegistry } from '../helpers/docker-registry.js';
import { LayoutBuilder } from '../helpers/oci-layout.js';
import { tarBytes } from '../helpers/tar-bytes.js';
import { type Result, Workbench } from './plyfs-run.js';

const INDEX = 'application/vnd.oci.image.index.v1+json';
const HOST_ARCH = process.arch === 'x64' ? 'amd64' : process.arch;

let bench: Workbench;
let one: DockerRegistry;
let two: DockerRegistry;
/** An image for two systems, under this name in the first registry. */
let name: string;

beforeAll(async () => {
  bench = new Workbench('layout', 'state');
  one = await DockerRegistry.start(bench.root, { name: 'one' });
  two = await DockerRegistry.withPassword(bench.root);
  name = `${one.host}/team/app:1`;
  const layout = new LayoutBuilder();
  const manifests = [HOST_ARCH, 'mips'].map((architecture) => ({
    ...layout.image([tarBytes({ name: architecture, content: 'x'.repeat(5000) })], {
      gzip: true,
      config: { architecture, config: { Cmd: ['sh'] } },
    }),
    platform: { os: 'linux', architecture },
  }));
  layout.name(layout.json({ schemaVersion: 2, mediaType: INDEX, manifests }, INDEX), 'app');
  layout.writeTo(join(bench.root, 'layout'));
  const copied = skopeo(
    'copy',
    '--all',
    '--dest-tls-verify=false',
    `oci:${bench.root}/layout`,
    `docker://${name}`,
  );
  expect([copied.code, copied.stderr]).toEqual([0, '']);
});
afterAll(async () => {
  await one[Symbol.asyncDispose]();
  await two[Symbol.asyncDispose]();
  bench.dispose();
});

const skopeo = (...args: string[]): Result => bench.run('skopeo', ...args);
const image = (...args: string[]): Result => bench.plyfs('image', ...args);
const raw = (text: string): string =>
  skopeo('inspect', '--raw', '--tls-verify=false', `docker://${text}`).stdout;

test('inspect --remote shows what image inspect does, and the platforms', () => {
  const { code, stdout, stderr } = image('inspect', '--remote', name);
  expect([code, stderr]).toEqual([0, '']);
  const [seen] = JSON.parse(stdout) as [Record<string, unknown>];
  const digest = skopeo(
    'inspect',
    '--tls-verify=false',
    '--format',
    '{{.Digest}}',
    `docker://${name}`,
  ).stdout.trim();
  expect(seen).toMatchObject({
    Digest: digest,
    RepoTags: [name],
    RepoDigests: [`${one.host}/team/app@${digest}`],
    Architecture: HOST_ARCH,
    Os: 'linux',
    Config: { Cmd: ['sh'] },
    Platforms: [`linux/${HOST_ARCH}`, 'linux/mips'],
  });
  expect(image('inspect', '--remote', '--raw', name).stdout).toBe(raw(name));
  const other = image(
    'inspect',
    '--remote',
    '--platform',
    'linux/mips',
    '--format',
    '{{.Architecture}}',
    name,
  );
  expect(other.stdout).toBe('mips\n');
  expect(image('inspect', '--remote', '--platform', 'linux/s390x', name).stderr).toBe(
    `plyfs image inspect: '${name}' has no image for linux/s390x; choose one with --platform: linux/${HOST_ARCH}, linux/mips\n`,
  );
  expect(image('inspect', '--raw', name).stderr).toBe('plyfs image inspect: --raw is for --remote\n');
});

test('tags lists what skopeo does', async () => {
  const headers = { 'content-type': INDEX };
  for (const tag of ['2', 'new', 'v1.0']) {
    const url = `http://${one.host}/v2/team/app/manifests/${tag}`;
    expect((await fetch(url, { method: 'PUT', headers, body: raw(name) })).status).toBe(201);
  }
  const listed = image('tags', `${one.host}/team/app`);
  expect([listed.code, listed.stderr]).toEqual([0, '']);
  expect(listed.stdout.trim().split('\n')).toHaveLength(4);
  const json = JSON.parse(image('tags', '--format', 'json', `${one.host}/team/app`).stdout) as object;
  const theirs = JSON.parse(
    skopeo('list-tags', '--tls-verify=false', `docker://${one.host}/team/app`).stdout,
  ) as object;
  expect(json).toEqual(theirs);
  expect(image('tags', `${one.host}/none`).stderr).toBe(
    `plyfs image tags: no such repository in the registry: '${one.host}/none'\n`,
  );
});

test('copy brings all platforms to another registry as they are, or one, with the credentials for each', () => {
  const target = `${two.host}/mirror/app:1`;
  expect(image('copy', name, target).stderr).toMatch(/access to '.*' denied: no credentials for it/);
  bench.env.DOCKER_CONFIG = join(bench.root, 'docker');
  expect(bench.plyfs('login', '-u', 'anna', '-p', 'secret', two.host).code).toBe(0);
  const { code, stdout, stderr } = image('copy', name, target);
  expect([code, stderr]).toEqual([0, '']);
  const auth = ['--tls-verify=false', '--creds', 'anna:secret'];
  const theirs = skopeo('inspect', '--raw', ...auth, `docker://${target}`).stdout;
  expect(theirs).toBe(raw(name));
  const back = skopeo(
    'copy',
    '--all',
    '--src-tls-verify=false',
    '--src-creds',
    'anna:secret',
    `docker://${target}`,
    `oci:${bench.root}/back`,
  );
  expect([back.code, back.stderr]).toEqual([0, '']);
  expect(image('inspect', '--remote', '--format', '{{.Digest}}', target).stdout).toBe(stdout);
  const single = image('copy', '--platform', 'linux/mips', name, `${two.host}/mirror/app:mips`);
  expect(single.code).toBe(0);
  const pulled = image(
    'pull',
    '-q',
    '--platform',
    'linux/mips',
    '--root',
    'state',
    `${two.host}/mirror/app:mips`,
  );
  expect([pulled.code, pulled.stderr]).toEqual([0, '']);
  const digest = stdout.trim();
  expect(image('copy', `${one.host}/team/app@${digest}`, `${one.host}/other/app:new`).stdout).toBe(stdout);
  expect(raw(`${one.host}/other/app:new`)).toBe(raw(name));
  expect(image('copy', `${one.host}/none:1`, target).stderr).toBe(
    `plyfs image copy: no such image in the registry: '${one.host}/none:1'\n`,
  );
});

test('push keeps all platforms of what was pulled or loaded, and save gives another of them', () => {
  bench.env.DOCKER_CONFIG = join(bench.root, 'docker');
  expect(bench.plyfs('login', '-u', 'anna', '-p', 'secret', two.host).code).toBe(0);
  const auth = ['--tls-verify=false', '--creds', 'anna:secret'];
  const inTwo = (path: string): string =>
    skopeo('inspect', '--raw', ...auth, `docker://${two.host}/${path}`).stdout;
  const plyfs = (...args: string[]): string => {
    const { code, stdout, stderr } = image(...args, '--root', 'state');
    expect([code, stderr]).toEqual([0, '']);
    return stdout;
  };
  plyfs('pull', '-q', name);
  for (const [index, target] of [`${one.host}/team/app:again`, `${two.host}/pushed/app:1`].entries()) {
    plyfs('tag', name, target);
    plyfs('push', '-q', target);
    expect(index === 0 ? raw(target) : inTwo('pushed/app:1')).toBe(raw(name));
  }
  plyfs('push', '-q', '--platform', `linux/${HOST_ARCH}`, `${two.host}/pushed/app:1`);
  expect(JSON.parse(inTwo('pushed/app:1'))).toHaveProperty('config');

  const elsewhere = ['--root', 'loaded'];
  expect(image('load', '-i', 'layout', ...elsewhere).stderr).toBe('');
  expect(image('tag', 'app', `${two.host}/loaded/app:1`, ...elsewhere).code).toBe(0);
  expect(image('push', '-q', `${two.host}/loaded/app:1`, ...elsewhere).stderr).toBe('');
  expect(inTwo('loaded/app:1')).toBe(raw(name));
  for (const format of ['oci-archive', 'docker-archive']) {
    const saved = image(
      'save',
      '--platform',
      'linux/mips',
      '--format',
      format,
      '-o',
      'mips.tar',
      'app',
      ...elsewhere,
    );
    expect([saved.code, saved.stderr]).toEqual([0, '']);
    const shown = skopeo('inspect', '--config', `${format}:mips.tar:app:latest`);
    expect(JSON.parse(shown.stdout)).toMatchObject({ architecture: 'mips' });
  }
  expect(image('save', '--platform', 'linux/s390x', '-o', 'x.tar', 'app', ...elsewhere).stderr).toContain(
    `'app' is for linux/${HOST_ARCH}, and the store has none for linux/s390x; 'plyfs image pull --platform linux/s390x' gets it`,
  );
  expect(image('prune', '-f', ...elsewhere).stdout).toBe('Total reclaimed space: 0B\n');
  for (const text of ['app', `${two.host}/loaded/app:1`])
    expect(image('rm', text, ...elsewhere).code).toBe(0);
  expect(readdirSync(join(bench.root, 'loaded/images/blobs/sha256'))).toEqual([]);
});

test('push sends one platform where the others cannot be had, and says so', async () => {
  const gone = await DockerRegistry.start(bench.root, { name: 'gone' });
  const [from, to] = [`${gone.host}/app:1`, `${one.host}/single/app:1`];
  expect(image('copy', name, from).code).toBe(0);
  expect(image('pull', '-q', '--root', 'single', from).code).toBe(0);
  await gone[Symbol.asyncDispose]();
  expect(image('tag', '--root', 'single', from, to).code).toBe(0);
  const { code, stderr } = image('push', '-q', '--root', 'single', to);
  expect([code, stderr]).toEqual([
    0,
    `plyfs image push: only the image for linux/${HOST_ARCH} is sent, since another cannot be had: cannot reach the registry '${gone.host}': the connection was refused\n`,
  ]);
  expect(JSON.parse(raw(to))).toHaveProperty('config');
});

test('a blob that the source spoils on its way is caught', () => {
  const spoiled = bench.run(
    'sh',
    '-c',
    `f=$(find ${one.storage} -name data -size +0 -exec sh -c 'head -c 2 "$1" | od -An -tx1 | grep -q "1f 8b"' _ {} \\; -print | head -1); printf X | dd of="$f" bs=1 seek=30 conv=notrunc 2>/dev/null`,
  );
  expect(spoiled.code).toBe(0);
  const { code, stderr } = image('copy', name, `${two.host}/spoiled/app:1`);
  expect([code, stderr.trimEnd().split('\n').length]).toEqual([1, 1]);
  expect(stderr).toMatch(/damaged|digest/);
});
